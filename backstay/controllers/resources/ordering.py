"""The `order` parameter: columns, JSON paths and columns of to-one embeds, each with a direction and a place for nulls."""

from __future__ import annotations

import re

from backstay.controllers.resources.scan import Scanner
from backstay.models.resources.request import ColumnPath, Order

_DIRECTION = re.compile(r"\.(asc|desc)(?![^.,\s])")
_NULLS = re.compile(r"\.(nullsfirst|nullslast)(?![^.,\s])")


def parse_order(text: str) -> tuple[Order, ...]:
    """The terms of an `order` parameter, at least one.

    Raises:
        BackstayError: PGRST100 for its grammar, 54000 for its size.
    """
    scanner = Scanner("order", text)
    terms = [_term(scanner)]
    while scanner.take(","):
        terms.append(_term(scanner))
    scanner.expect_end()
    return tuple(terms)


def _term(scanner: Scanner) -> Order:
    scanner.count_item(depth=1)
    relation: str | None = None
    name = scanner.name("a column name")
    if scanner.take("("):
        relation = name
        column = scanner.column()
        scanner.expect(")")
    else:
        column = scanner.column_named(name)
    return _directed(scanner, column, relation)


def _directed(scanner: Scanner, column: ColumnPath, relation: str | None) -> Order:
    direction = scanner.match(_DIRECTION)
    nulls = scanner.match(_NULLS)
    scanner.skip_spaces()
    if scanner.next_is("."):
        raise scanner.error("'.asc', '.desc', '.nullsfirst' or '.nullslast'")
    return Order(
        column,
        descending=direction is not None and direction.group(1) == "desc",
        nulls_first=None if nulls is None else nulls.group(1) == "nullsfirst",
        relation=relation,
    )
