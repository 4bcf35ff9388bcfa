"""Which aggregate fits which kind of value, and what comes of it: PostgreSQL's types, on both databases.

One table for both: what one of them could not do the same way is refused on both.
"""

from __future__ import annotations

from backstay.errors import BackstayError
from backstay.models.catalog import BIGINT, DOUBLE, NUMERIC, Field, ValueKind, value_field
from backstay.models.resources.plan import Reference
from backstay.models.resources.request import Aggregate

_K = ValueKind
# Not truth values, UUIDs, bytes, JSON, arrays and ranges: PostgreSQL has no least one of most of these.
_ORDERED = frozenset(
    {_K.TEXT, _K.INTEGER, _K.FLOAT, _K.DECIMAL, _K.TIMESTAMP, _K.DATETIME, _K.DATE, _K.TIME, _K.ENUM}
)


def outcome_of(function: Aggregate, reference: Reference | None, cast: ValueKind | None) -> Field:
    """The type of what an aggregate gives.

    Raises:
        BackstayError: `42883` when there is no such aggregate of this kind of value.
    """
    if function is Aggregate.COUNT or reference is None:
        return BIGINT
    kind = cast or reference.kind
    if function in (Aggregate.MIN, Aggregate.MAX) and kind in _ORDERED:
        return reference.field if kind is reference.field.kind and not reference.steps else value_field(kind)
    if function in (Aggregate.SUM, Aggregate.AVG):
        if kind is _K.FLOAT:
            return DOUBLE
        if kind is _K.DECIMAL:
            return NUMERIC
        if kind is _K.INTEGER:
            # PostgreSQL adds up 16 and 32 bits in 64, and 64 bits exactly.
            is_small = cast is None and not reference.steps and reference.field.bits < 64
            return BIGINT if is_small and function is Aggregate.SUM else NUMERIC
    name = cast.value if cast else reference.kind.value if reference.steps else reference.field.sql_type
    raise BackstayError("42883", f"function {function.value}({name}) does not exist")
