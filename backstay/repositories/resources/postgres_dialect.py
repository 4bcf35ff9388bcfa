"""PostgreSQL's spellings for the compiler."""

from __future__ import annotations

from collections.abc import Sequence
from operator import methodcaller
from typing import Any

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Date,
    Select,
    Subquery,
    Text,
    bindparam,
    func,
    literal_column,
    select,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import Dialect as SqlDialect
from sqlalchemy.sql.type_api import TypeEngine

from backstay.models.catalog import Field, SearchedText, ValueKind
from backstay.models.resources.plan import Comparison, Form, Parameter, Reference
from backstay.models.resources.request import Operator, Quantifier
from backstay.repositories.database import Engine
from backstay.repositories.resources.dialects import Encoder, Expression
from backstay.repositories.resources.searches import found_in_postgres, found_in_postgres_text
from backstay.utils import json_text

_TEXT_LISTS = frozenset({Form.TEXT_LIST, Form.PATTERN_LIST, Form.REGEX_LIST})
_LISTS = _TEXT_LISTS | {Form.LIST}
_SYMBOLS = {
    Operator.EQ: "=",
    Operator.NEQ: "<>",
    Operator.GT: ">",
    Operator.GTE: ">=",
    Operator.LT: "<",
    Operator.LTE: "<=",
    Operator.LIKE: "LIKE",
    Operator.ILIKE: "ILIKE",
    Operator.MATCH: "~",
    Operator.IMATCH: "~*",
    Operator.CONTAINS: "@>",
    Operator.CONTAINED: "<@",
    Operator.OVERLAPS: "&&",
    Operator.STRICTLY_LEFT: "<<",
    Operator.STRICTLY_RIGHT: ">>",
    Operator.NOT_RIGHT: "&<",
    Operator.NOT_LEFT: "&>",
    Operator.ADJACENT: "-|-",
}
# The driver takes the first and the last day of Python's calendar for minus infinity and infinity; text is exact.
_SENT_AS_TEXT: dict[ValueKind, TypeEngine[Any]] = {
    ValueKind.DATE: Date(),
    ValueKind.DATETIME: TIMESTAMP(),
    ValueKind.TIMESTAMP: TIMESTAMP(timezone=True),
}
_CAST_NAMES = {
    ValueKind.TEXT: "text",
    ValueKind.INTEGER: "bigint",
    ValueKind.FLOAT: "float8",
    ValueKind.DECIMAL: "numeric",
    ValueKind.BOOLEAN: "boolean",
    ValueKind.UUID: "uuid",
    ValueKind.DATE: "date",
    ValueKind.TIMESTAMP: "timestamptz",
    ValueKind.JSON: "jsonb",
}


class PostgresDialect:
    """JSON by `row_to_json`, one array parameter for a list, native operators."""

    engine: Engine = "postgresql"

    def __init__(self) -> None:
        self.sql: SqlDialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped

    def parameter(self, name: str, parameter: Parameter) -> Expression:
        """A parameter with an explicit type, so that the statement can be prepared without a value."""
        if parameter.form is Form.COUNT:
            return bindparam(name, type_=BigInteger())
        kind = None if parameter.field is None else parameter.field.kind
        if (
            parameter.field is None
            or kind in (ValueKind.TEXT, ValueKind.RANGE)
            or parameter.form in _TEXT_LISTS
        ):
            element: TypeEngine[Any] = Text()
        elif kind is ValueKind.JSON:
            bind: Expression = bindparam(name, type_=ARRAY(Text()) if parameter.form is Form.LIST else Text())
            return sql_cast(bind, ARRAY(JSONB()) if parameter.form is Form.LIST else JSONB())
        elif kind in _SENT_AS_TEXT:
            is_list, wanted = parameter.form in _LISTS, _SENT_AS_TEXT[kind]
            bind = bindparam(name, type_=ARRAY(Text()) if is_list else Text())
            return sql_cast(bind, ARRAY(wanted) if is_list else wanted)
        else:
            element = parameter.field.column.type
        bind = bindparam(name, type_=ARRAY(element) if parameter.form in _LISTS else element)
        if kind is ValueKind.RANGE:
            return sql_cast(bind, parameter.field.column.type) if parameter.field else bind
        return bind

    def encoder(self, parameter: Parameter) -> Encoder | None:
        """JSON and dates travel as text; asyncpg takes everything else as it is."""
        kind = None if parameter.field is None else parameter.field.kind
        encode: Encoder | None = None
        if kind is ValueKind.JSON:
            encode = json_text.canonical
        elif kind in _SENT_AS_TEXT:
            encode = methodcaller("isoformat")
        if encode is None or parameter.form not in _LISTS:
            return encode
        return lambda values: list(map(encode, values))

    def caller_value(self, value: Any) -> Any:
        return value

    def inside(self, value: Expression, reference: Reference) -> Expression:
        if reference.field.kind is ValueKind.ARRAY:
            value = func.to_jsonb(value)
        for step in reference.steps:
            key = (
                literal_column(str(step.key))
                if isinstance(step.key, int)
                else bindparam(None, step.key, Text())
            )
            value = value.op(
                "->>" if step.as_text else "->", return_type=Text() if step.as_text else JSONB()
            )(key)
        return value.collate("C") if reference.steps[-1].as_text else value

    def comparison(self, value: Expression, comparison: Comparison, bind: Expression) -> Expression:
        operator = comparison.operator
        if operator is Operator.IN:
            return value == func.any(bind)
        if operator is Operator.ISDISTINCT:
            return value.is_distinct_from(bind)
        if comparison.quantifier is not None:
            bind = func.any(bind) if comparison.quantifier is Quantifier.ANY else func.all(bind)
        return value.op(_SYMBOLS[operator], is_comparison=True)(bind)

    def found(self, search: SearchedText, source: Any, bind: Expression) -> Expression:
        return found_in_postgres(search, source, bind)

    def found_in_text(
        self, search: SearchedText, texts: Sequence[Expression], bind: Expression
    ) -> Expression:
        return found_in_postgres_text(search, texts, bind)

    def sort_key(self, value: Expression, reference: Reference) -> Expression:
        return value

    def shown(self, value: Expression, kind: ValueKind, field: Field) -> Expression:
        return value

    def cast(self, value: Expression, source: ValueKind, target: ValueKind) -> Expression:
        return value.op("::")(literal_column(_CAST_NAMES[target]))

    def json_row(self, pairs: Sequence[tuple[str, Expression]]) -> list[Expression]:
        return [value.label(label) for label, value in pairs]

    def row_json(self, row: Select[Any], name: str) -> Select[Any]:
        one = row.subquery(name)
        return select(func.row_to_json(one.table_valued())).select_from(one)

    def rows_json(self, rows: Subquery) -> Expression:
        return func.coalesce(func.json_agg(rows.table_valued()), literal_column("'[]'::json"))

    def document(self, rows: Subquery) -> Expression:
        each = sql_cast(func.row_to_json(rows.table_valued()), Text())
        joined = func.coalesce(func.string_agg(each, literal_column("','")), literal_column("''"))
        return literal_column("'['").concat(joined).concat(literal_column("']'"))
