"""Arguments of a connection: `filter` and `orderBy` become conditions and an order, their values literals.

In charge of what an argument means. Whether an operator fits a column is said by the schema's types, and again by the
planner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from backstay.controllers.resources.graphql.inputs import TREES
from backstay.controllers.resources.graphql.scalars import array_literal, literal
from backstay.errors import BackstayError
from backstay.models.catalog import Field, Resource, ValueKind
from backstay.models.resources.request import (
    ColumnPath,
    Condition,
    Filter,
    IsValue,
    Logic,
    Operator,
    Order,
    SqlPattern,
)

Slot = Callable[[Any], int]

_OPERATORS: Mapping[str, Operator] = {
    "eq": Operator.EQ,
    "neq": Operator.NEQ,
    "gt": Operator.GT,
    "gte": Operator.GTE,
    "lt": Operator.LT,
    "lte": Operator.LTE,
    "in": Operator.IN,
    "like": Operator.LIKE,
    "ilike": Operator.ILIKE,
    "startsWith": Operator.LIKE,
    "regex": Operator.MATCH,
    "iregex": Operator.IMATCH,
    "contains": Operator.CONTAINS,
    "containedBy": Operator.CONTAINED,
    "overlaps": Operator.OVERLAPS,
}
_IS = {"NULL": IsValue.NULL, "NOT_NULL": IsValue.NOT_NULL}
_WILD = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


def conditions(resource: Resource, given: Mapping[str, Any] | None, slot: Slot) -> tuple[Condition, ...]:
    """What a filter asks; all of it must hold.

    Raises:
        BackstayError: `22023` for null where a value belongs, and for a tree without branches: either of them would
            say nothing where somebody meant something.
    """
    return tuple(_conditions(resource, given or {}, slot))


def orders(given: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None) -> tuple[Order, ...]:
    """The terms of an order.

    Raises:
        BackstayError: `22023` for a term that does not name exactly one column.
    """
    terms = []
    for term in [given] if isinstance(given, Mapping) else given or ():
        named = [(column, direction) for column, direction in term.items() if direction is not None]
        if len(named) != 1:
            raise BackstayError("22023", "each term of orderBy names one column")
        column, (descending, nulls_first) = named[0]
        terms.append(Order(ColumnPath(column), descending, nulls_first))
    return tuple(terms)


def _conditions(resource: Resource, given: Mapping[str, Any], slot: Slot) -> Iterator[Condition]:
    for name, value in given.items():
        if value is None:
            raise BackstayError("22023", f"the filter has null for '{name}'; is: NULL finds nulls")
        if name in TREES:
            yield _tree(resource, name, value, slot)
        else:
            for operator, operand in value.items():
                yield _comparison(resource.fields[name], operator, operand, slot)


def _tree(resource: Resource, name: str, value: Any, slot: Slot) -> Logic:
    branches = [value] if isinstance(value, Mapping) else value
    parts = [tuple(_conditions(resource, branch, slot)) for branch in branches]
    if not parts or not all(parts):
        raise BackstayError("22023", f"a branch of '{name}' is empty")
    items = tuple(part[0] if len(part) == 1 else Logic(True, part) for part in parts)
    return Logic(name != "or", items, negated=name == "not")


def _comparison(field: Field, operator: str, operand: Any, slot: Slot) -> Filter:
    column = ColumnPath(field.name)
    if operand is None:
        raise BackstayError("22023", f"the filter compares '{field.name}' with null; is: NULL finds nulls")
    if operator == "is":
        return Filter(column, Operator.IS, is_value=_IS[operand])
    return Filter(column, _OPERATORS[operator], slot(_literal(field, operator, operand)))


def _literal(field: Field, operator: str, operand: Any) -> Any:
    if operator == "in":
        return tuple(literal(item, field) for item in operand)
    if operator == "startsWith":
        return SqlPattern(operand.translate(_WILD) + "%")
    if operator in ("like", "ilike"):
        return SqlPattern(operand)
    if field.kind is ValueKind.ARRAY:
        return array_literal(operand if isinstance(operand, list) else [operand], field)
    return literal(operand, field)
