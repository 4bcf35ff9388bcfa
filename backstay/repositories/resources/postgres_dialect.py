"""PostgreSQL's spellings for the compiler."""

from __future__ import annotations

from collections.abc import Sequence
from operator import methodcaller
from typing import Any

from sqlalchemy import (
    DOUBLE_PRECISION,
    JSON,
    TIMESTAMP,
    BigInteger,
    Boolean,
    Date,
    Integer,
    Numeric,
    Select,
    Subquery,
    Text,
    bindparam,
    case,
    func,
    literal_column,
    select,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, REGCONFIG
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import Dialect as SqlDialect
from sqlalchemy.sql.type_api import TypeEngine
from sqlalchemy.types import NullType

from backstay.models.catalog import Field, ValueKind
from backstay.models.resources.plan import Comparison, Form, Parameter, Reference
from backstay.models.resources.request import Aggregate, Operator, Quantifier
from backstay.repositories.database import Engine
from backstay.repositories.resources.dialects import Encoder, Expression
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
_TO_QUERY = {
    Operator.FTS: "to_tsquery",
    Operator.PLAIN_FTS: "plainto_tsquery",
    Operator.PHRASE_FTS: "phraseto_tsquery",
    Operator.WEB_FTS: "websearch_to_tsquery",
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
        if operator in _TO_QUERY:
            language: list[Expression] = _language(comparison.config)
            vector = func.to_tsvector(*language, value)
            return vector.op("@@", is_comparison=True)(getattr(func, _TO_QUERY[operator])(*language, bind))
        if comparison.quantifier is not None:
            bind = func.any(bind) if comparison.quantifier is Quantifier.ANY else func.all(bind)
        return value.op(_SYMBOLS[operator], is_comparison=True)(bind)

    def sort_key(self, value: Expression, reference: Reference) -> Expression:
        return value

    def shown(self, value: Expression, kind: ValueKind, field: Field) -> Expression:
        return value

    def cast(self, value: Expression, source: ValueKind, target: ValueKind) -> Expression:
        if source is ValueKind.BOOLEAN and target is ValueKind.INTEGER:
            # There is no way from a truth value to 64 bits but over 32, and none back.
            value = sql_cast(value, Integer())
        elif source is ValueKind.INTEGER and target is ValueKind.BOOLEAN:
            return value.op("<>", return_type=Boolean())(literal_column("0"))
        type_ = Text() if target is ValueKind.TEXT else NullType()
        return value.op("::", return_type=type_)(literal_column(_CAST_NAMES[target]))

    def computed(self, value: Expression, field: Field) -> Expression:
        # Without it, text put together from literals alone would be ordered by the database's own collation.
        return value.collate("C") if field.kind is ValueKind.TEXT else value

    def in_zone(self, value: Expression, zone: str) -> Expression:
        name = bindparam(None, zone, Text())
        local = func.timezone(name, value)
        offset = func.extract("epoch", local - func.timezone(literal_column("'UTC'"), value))
        seconds = sql_cast(offset, Integer())
        text = func.to_json(local).op("#>>")(literal_column("'{}'"))
        return text.concat(_offset(seconds))

    def aggregate(
        self, function: Aggregate, value: Expression, kind: ValueKind, outcome: Field
    ) -> Expression:
        if kind is ValueKind.FLOAT and function in (Aggregate.SUM, Aggregate.AVG):
            exact = sql_cast(sql_cast(value, Text()), Numeric())
            return sql_cast(getattr(func, function.value)(exact), DOUBLE_PRECISION())
        if kind is ValueKind.TEXT and function in (Aggregate.MIN, Aggregate.MAX):
            value = value.collate("C")
        aggregated: Expression = getattr(func, function.value)(value)
        return aggregated

    def group_key(self, value: Expression, kind: ValueKind | None) -> Expression:
        return sql_cast(value, JSONB()) if kind is None else value

    def of_group(self, value: Expression, kind: ValueKind | None, field: Field) -> Expression:
        if kind is None:
            return sql_cast(func.min(sql_cast(value, Text()).collate("C")), JSON())
        if kind is ValueKind.JSON:
            return sql_cast(func.min(sql_cast(value, Text()).collate("C")), JSONB())
        if kind is ValueKind.DECIMAL and field.scale is None:
            return sql_cast(func.min(sql_cast(value, Text()).collate("C")), Numeric())
        return value

    def group_order(self, value: Expression, kind: ValueKind | None, field: Field) -> Expression:
        if kind is None:
            return sql_cast(value, JSONB())
        if kind is ValueKind.ARRAY:
            return func.to_jsonb(value)
        return value.collate("C") if kind is ValueKind.TEXT else value

    def json_value(self, value: Expression) -> Expression:
        return value

    def array_json(self, value: Expression) -> Expression:
        return func.coalesce(func.json_agg(value), literal_column("'[]'::json"))

    def json_row(self, pairs: Sequence[tuple[str, Expression]]) -> list[Expression]:
        return [value.label(label) for label, value in pairs]

    def row_json(self, row: Select[Any], name: str) -> Select[Any]:
        one = row.subquery(name)
        return select(func.row_to_json(one.table_valued())).select_from(one)

    def rows_json(self, rows: Subquery) -> Expression:
        return func.coalesce(func.json_agg(rows.table_valued()), literal_column("'[]'::json"))

    def document(self, rows: Subquery) -> Expression:
        each = sql_cast(func.row_to_json(rows.table_valued()), Text())
        return _bracketed(each)

    def json_list(self, values: Sequence[Expression]) -> Expression:
        return func.json_build_array(*values)

    def json_text(self, value: Expression) -> Expression:
        return sql_cast(value, Text())

    def placed_row(self, row: Select[Any], place: Expression, name: str) -> Select[Any]:
        labels = {column.key for column in row.selected_columns}
        key = "k"
        while key in labels:
            key += "k"
        both = row.add_columns(sql_cast(place, Text()).label(key)).subquery(name)
        shown = select(*(column for column in both.c if column.key != key)).correlate(both)
        document = self.row_json(shown, f"{name}r").scalar_subquery()
        return select(document.label("j"), both.c[key].label("k")).select_from(both)

    def placed_document(self, rows: Subquery) -> tuple[Expression, Expression]:
        places = func.array_agg(rows.c.k, type_=ARRAY(Text()))
        return _bracketed(sql_cast(rows.c.j, Text())), places[func.count()]


def _bracketed(each: Expression) -> Expression:
    joined = func.coalesce(func.string_agg(each, literal_column("','")), literal_column("''"))
    return literal_column("'['").concat(joined).concat(literal_column("']'"))


def _offset(seconds: Expression) -> Expression:
    """An offset from UTC as PostgreSQL writes it: `+05:30`, `-03:30:28`."""
    clock = func.make_interval(*map(literal_column, ("0", "0", "0", "0", "0", "0")), func.abs(seconds))
    sign = case((seconds < literal_column("0"), literal_column("'-'")), else_=literal_column("'+'"))
    is_whole = seconds.op("%")(literal_column("60")) == literal_column("0")
    form = case((is_whole, literal_column("'HH24:MI'")), else_=literal_column("'HH24:MI:SS'"))
    return sign.concat(func.to_char(clock, form))


def _language(config: str | None) -> list[Expression]:
    return [sql_cast(bindparam(None, config, Text()), REGCONFIG())] if config else []
