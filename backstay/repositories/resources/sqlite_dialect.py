"""SQLite's spellings for the compiler: its JSON functions, and the functions and collations of ours that are
registered on every connection (`repositories/database/sqlite_functions.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Column,
    Integer,
    Select,
    Subquery,
    Text,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    not_,
    null,
    select,
    type_coerce,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Dialect as SqlDialect

from backstay.errors import BackstayError
from backstay.models.catalog import Field, ValueKind
from backstay.models.resources.plan import Comparison, Form, Parameter, Reference
from backstay.models.resources.request import Aggregate, Operator, Quantifier
from backstay.models.types import DECIMAL_COLLATION
from backstay.repositories.database import Engine
from backstay.repositories.resources.dialects import Encoder, Expression, array_text, plain
from backstay.utils import json_text

JSON_COLLATION = "backstay_json"
# A function takes up to 127 arguments, and `json_object` two for each member.
_MAX_PAIRS = 60

_SYMBOLS = {
    Operator.EQ: "=",
    Operator.NEQ: "<>",
    Operator.GT: ">",
    Operator.GTE: ">=",
    Operator.LT: "<",
    Operator.LTE: "<=",
}
_ORDERING = frozenset({Operator.GT, Operator.GTE, Operator.LT, Operator.LTE})
_LISTS = frozenset({Form.LIST, Form.TEXT_LIST, Form.PATTERN_LIST, Form.REGEX_LIST})
# An array is JSON, which sessions write with spaces that the compiler leaves out.
_COLLATIONS = {
    ValueKind.DECIMAL: DECIMAL_COLLATION,
    ValueKind.JSON: JSON_COLLATION,
    ValueKind.ARRAY: JSON_COLLATION,
}


class SqliteDialect:
    """JSON by `json_object`, a JSON array parameter for a list, Python functions where SQLite has none."""

    engine: Engine = "sqlite"

    def __init__(self) -> None:
        self.sql: SqlDialect = SQLiteDialect_pysqlite()

    def parameter(self, name: str, parameter: Parameter) -> Expression:
        return bindparam(name)

    def encoder(self, parameter: Parameter) -> Encoder | None:
        field = parameter.field
        if parameter.form in _LISTS:
            return lambda values: json_text.canonical([_in_list(value, field) for value in values])
        if field is None or parameter.form is Form.COUNT or field.kind in (ValueKind.TEXT, ValueKind.ENUM):
            return None
        if field.kind is ValueKind.JSON:
            return json_text.canonical
        if field.kind is ValueKind.ARRAY:
            return lambda value: array_text(value, field)
        return plain

    def caller_value(self, value: Any) -> Any:
        return plain(value)

    def inside(self, value: Expression, reference: Reference) -> Expression:
        # A column declared JSON has numeric affinity: a document that is a number comes back as one.
        value = sql_cast(value, Text())
        for step in reference.steps:
            function = func.backstay_json_text if step.as_text else func.backstay_json_at
            value = function(value, bindparam(None, step.key))
        return value

    def comparison(self, value: Expression, comparison: Comparison, bind: Expression) -> Expression:
        if comparison.quantifier is not None:
            return self._quantified(value, comparison, bind)
        return self._simple(value, comparison.operator, comparison.reference, bind)

    def _simple(
        self, value: Expression, operator: Operator, reference: Reference, bind: Expression
    ) -> Expression:
        value = _collated(value, reference)
        if operator is Operator.IN:
            members = func.json_each(bind).table_valued("value")
            if reference.kind is ValueKind.BYTES:
                value = case((value.is_(None), null()), else_=func.hex(value))
            return value.in_(select(members.c.value))
        if operator is Operator.ISDISTINCT:
            return value.is_distinct_from(bind)
        if operator in _SYMBOLS:
            if operator in _ORDERING and reference.kind is ValueKind.ENUM:
                value, bind = _position(value, reference.field), _position(bind, reference.field)
            return value.op(_SYMBOLS[operator], is_comparison=True)(bind)
        return self._by_function(value, operator, reference, bind)

    def _by_function(
        self, value: Expression, operator: Operator, reference: Reference, bind: Expression
    ) -> Expression:
        if operator is Operator.LIKE:
            return value.like(bind, escape="\\")
        if operator is Operator.ILIKE:
            return func.lower(value).like(func.lower(bind), escape="\\")
        if operator is Operator.MATCH:
            return func.backstay_regexp(bind, value)
        if operator is Operator.IMATCH:
            return func.backstay_iregexp(bind, value)
        kind = "array" if reference.kind is ValueKind.ARRAY else "json"
        if operator is Operator.CONTAINS:
            return _call(f"backstay_{kind}_contains", value, bind)
        if operator is Operator.CONTAINED:
            return _call(f"backstay_{kind}_contains", bind, value)
        if operator is Operator.OVERLAPS and kind == "array":
            return func.backstay_array_overlaps(value, bind)
        raise BackstayError(
            "PGRST127",
            details=f"The operator '{operator.value}' needs PostgreSQL; this application runs on SQLite.",
        )

    def _quantified(self, value: Expression, comparison: Comparison, bind: Expression) -> Expression:
        """SQL's three-valued `ANY` and `ALL`, which SQLite lacks."""
        items = func.json_each(bind).table_valued("value")
        is_all = comparison.quantifier is Quantifier.ALL
        each = self._simple(value, comparison.operator, comparison.reference, items.c.value)
        found: Select[Any] = (
            select(literal_column("1")).select_from(items).where(not_(each) if is_all else each)
        )
        holds = exists(found)
        return case(
            (func.json_array_length(bind) == 0, literal_column("1" if is_all else "0")),
            (value.is_(None), null()),
            else_=not_(holds) if is_all else holds,
        )

    def sort_key(self, value: Expression, reference: Reference) -> Expression:
        if reference.kind is ValueKind.ENUM:
            return _position(value, reference.field)
        return _collated(value, reference)

    def shown(self, value: Expression, kind: ValueKind, field: Field) -> Expression:
        if kind is ValueKind.BOOLEAN:
            word = case(
                (value.is_(None), null()), (value, literal_column("'true'")), else_=literal_column("'false'")
            )
            return func.json(word)
        if kind in (ValueKind.DECIMAL, ValueKind.JSON, ValueKind.ARRAY):
            return func.json(value)
        if kind is ValueKind.FLOAT:
            return _float(value)
        if kind is ValueKind.BYTES:
            # hex(NULL) is empty text here.
            text = literal_column("'\\x'").concat(func.lower(func.hex(value)))
            return case((value.is_(None), null()), else_=text)
        return value

    def cast(self, value: Expression, source: ValueKind, target: ValueKind) -> Expression:
        return func.backstay_cast(
            value, literal_column(f"'{source.value}'"), literal_column(f"'{target.value}'")
        )

    def computed(self, value: Expression, field: Field) -> Expression:
        # An exact number is text here, and what is worked out from some is not.
        return sql_cast(value, Text()) if field.kind is ValueKind.DECIMAL else value

    def in_zone(self, value: Expression, zone: str) -> Expression:
        return func.backstay_in_zone(value, bindparam(None, zone))

    def aggregate(
        self, function: Aggregate, value: Expression, kind: ValueKind, outcome: Field
    ) -> Expression:
        if function in (Aggregate.SUM, Aggregate.AVG):
            return self._total(function, value, kind, outcome)
        if function is Aggregate.COUNT:
            return func.count(value)
        if kind is ValueKind.ENUM:
            place = getattr(func, function.value)(_position(value, outcome))
            named: Any = {literal_column(str(n)): choice for n, choice in enumerate(outcome.choices)}
            return case(named, value=place)
        collation = _COLLATIONS.get(kind)
        if collation is not None:
            value = type_coerce(value, Text()).collate(collation)
        return _call(function.value, value)

    def _total(self, function: Aggregate, value: Expression, kind: ValueKind, outcome: Field) -> Expression:
        if kind is ValueKind.INTEGER and outcome.kind is ValueKind.INTEGER:
            return func.sum(value)
        name = f"backstay_{'float_' if kind is ValueKind.FLOAT else ''}{function.value}"
        return _call(name, value)

    def group_key(self, value: Expression, kind: ValueKind | None) -> Expression:
        collation = JSON_COLLATION if kind is None else _COLLATIONS.get(kind)
        return value if collation is None else type_coerce(value, Text()).collate(collation)

    def of_group(self, value: Expression, kind: ValueKind | None, field: Field) -> Expression:
        if kind in (None, ValueKind.JSON) or (kind is ValueKind.DECIMAL and field.scale is None):
            return func.min(type_coerce(value, Text()).collate("BINARY"))
        return value

    def group_order(self, value: Expression, kind: ValueKind | None, field: Field) -> Expression:
        return _position(value, field) if kind is ValueKind.ENUM else self.group_key(value, kind)

    def json_value(self, value: Expression) -> Expression:
        # A subquery's result has lost the mark that says it is JSON.
        return func.json(value)

    def array_json(self, value: Expression) -> Expression:
        return func.json_group_array(value)

    def json_row(self, pairs: Sequence[tuple[str, Expression]]) -> list[Expression]:
        parts = [pairs[first : first + _MAX_PAIRS] for first in range(0, len(pairs), _MAX_PAIRS)] or [pairs]
        objects = [_object(part) for part in parts]
        whole = objects[0]
        for more in objects[1:]:
            # What a function takes is limited: the members of two objects are put together as text.
            left = func.substr(whole, literal_column("1"), func.length(whole).op("-")(literal_column("1")))
            whole = left.concat(literal_column("','")).concat(func.substr(more, literal_column("2")))
        return [whole.label("j")]

    def row_json(self, row: Select[Any], name: str) -> Select[Any]:
        # It is its JSON already. SQLite's parser goes 100 levels deep, with embeds, masks and brackets counted.
        return row

    def rows_json(self, rows: Subquery) -> Expression:
        return func.json_group_array(func.json(rows.c.j))

    def document(self, rows: Subquery) -> Expression:
        joined = func.coalesce(func.group_concat(rows.c.j, literal_column("','")), literal_column("''"))
        return literal_column("'['").concat(joined).concat(literal_column("']'"))

    def json_list(self, values: Sequence[Expression]) -> Expression:
        return func.json_array(*values)

    def json_text(self, value: Expression) -> Expression:
        # It loses the mark that says it is JSON.
        return value.concat(literal_column("''"))

    def placed_row(self, row: Select[Any], place: Expression, name: str) -> Select[Any]:
        return row.add_columns(place.label("k"))

    def placed_document(self, rows: Subquery) -> tuple[Expression, Expression]:
        # It has no aggregate for the last of several values; there is no line end within JSON that it wrote.
        return self.document(rows), func.group_concat(rows.c.k, func.char(literal_column("10")))


def _collated(value: Expression, reference: Reference) -> Expression:
    """Exact numbers and JSON compare by value; a column of exact numbers has that collation already."""
    collation = _COLLATIONS.get(reference.kind)
    bare = isinstance(value, Column) and reference.kind is ValueKind.DECIMAL
    return value if collation is None or bare else type_coerce(value, Text()).collate(collation)


def _float(value: Expression) -> Expression:
    """A number as PostgreSQL writes it.

    SQLite writes 15 digits of it, a point in every one and exponents its own way; ours writes those that do not read
    back as the same, or that PostgreSQL writes in another way. Reading back costs 0.25 µs. It is spared a column's
    value that is, exactly, a number of at most four decimals, as coordinates and prices are: 64 instead of 82 µs for
    a page of 50 rows with two of them.
    """
    read_back = literal_column("0").op("+")(type_coerce(value, Text()).concat(literal_column("''")))
    is_whole = value.op("=")(func.round(value))
    is_usual = func.abs(value).between(literal_column("0.0001"), literal_column("1e15"))
    same = and_(value.op("=")(read_back), not_(is_whole), is_usual)
    cases = [(value.is_(None), null()), (same, value)]
    if isinstance(value, Column):
        cases.insert(1, (_has_few_decimals(value), value))
    return case(*cases, else_=func.json(func.backstay_float(value)))


def _has_few_decimals(value: Expression) -> Expression:
    """Whether it is the float nearest to some n / 10000 of less than 15 digits, and not whole.

    A decimal of 15 digits survives becoming a float, so writing that many gives those of n again.
    """
    shifted = sql_cast(value.op("*")(literal_column("10000")), Integer())
    return and_(
        shifted.op("/")(literal_column("10000.0")).op("=")(value),
        value.op("<>")(sql_cast(value, Integer())),
        value.between(literal_column("-1e9"), literal_column("1e9")),
    )


def _position(value: Expression, field: Field) -> Expression:
    return case(
        {choice: literal_column(str(number)) for number, choice in enumerate(field.choices)}, value=value
    )


def _in_list(value: Any, field: Field | None) -> Any:
    if field is not None and field.kind is ValueKind.JSON:
        return json_text.canonical(value)
    return value.hex().upper() if isinstance(value, bytes) else plain(value)


def _object(pairs: Sequence[tuple[str, Expression]]) -> Expression:
    arguments = [part for label, value in pairs for part in (literal_column(_quoted(label)), value)]
    return func.json_object(*arguments)


def _call(name: str, *arguments: Expression) -> Expression:
    function: Expression = getattr(func, name)(*arguments)
    return function


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
