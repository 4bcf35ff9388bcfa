"""The `select` parameter: columns, casts, JSON paths, aggregates, embeds and spreads.

In charge of its grammar and of its embeds having different labels. What the names mean is settled by the planner;
filters, order and limits of embeds come from other parameters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from backstay.controllers.resources.scan import Scanner, malformed
from backstay.models.resources.request import (
    Aggregate,
    AllColumns,
    Embed,
    Query,
    SelectAggregate,
    SelectColumn,
    SelectItem,
)

_CAST = re.compile(r"[A-Za-z0-9_ ]++")
_AGGREGATE = re.compile(r"(sum|avg|count|min|max)\(\)")
_JOINS = {"inner": True, "left": False}


def parse_select(text: str) -> tuple[SelectItem, ...]:
    """The items of a whole `select` parameter; an empty text selects nothing.

    Raises:
        BackstayError: PGRST100 for its grammar, 54000 for its size.
    """
    scanner = Scanner("select parameter", text)
    scanner.skip_spaces()
    if scanner.position == len(text):
        return ()
    items = _items(scanner, depth=1)
    scanner.expect_end()
    return items


def _items(scanner: Scanner, depth: int) -> tuple[SelectItem, ...]:
    items = [_item(scanner, depth)]
    while scanner.take(","):
        items.append(_item(scanner, depth))
    _refuse_equal_labels(scanner, items)
    return tuple(items)


def _item(scanner: Scanner, depth: int) -> SelectItem:
    scanner.count_item(depth)
    scanner.skip_spaces()
    if scanner.take("*"):
        scanner.skip_spaces()
        return AllColumns()
    if scanner.take("..."):
        return _embed(scanner, scanner.name("a relation"), None, depth, spread=True)
    name, alias = scanner.name("a column, a relation or '*'"), None
    if scanner.next_is(":") and not scanner.next_is("::"):
        scanner.take(":")
        alias, name = name, scanner.name("a column or a relation")
    if name == "count" and scanner.take("()"):
        return _aggregate(scanner, SelectAggregate(Aggregate.COUNT, alias=alias))
    if scanner.next_is("(") or scanner.next_is("!"):
        return _embed(scanner, name, alias, depth)
    return _column(scanner, name, alias)


def _embed(scanner: Scanner, relation: str, alias: str | None, depth: int, *, spread: bool = False) -> Embed:
    hint, inner = _embed_words(scanner)
    scanner.expect("(")
    scanner.skip_spaces()
    items = () if scanner.next_is(")") else _items(scanner, depth + 1)
    if not scanner.take(")"):
        raise scanner.error("',' or ')'")
    scanner.skip_spaces()
    return Embed(relation, Query(select=items), alias, hint, bool(inner), spread)


def _embed_words(scanner: Scanner) -> tuple[str | None, bool | None]:
    hint: str | None = None
    inner: bool | None = None
    while scanner.take("!"):
        word = scanner.name("a hint, 'inner' or 'left'")
        if word in _JOINS and inner is None:
            inner = _JOINS[word]
        elif hint is None:
            hint = word
        else:
            raise scanner.error("'('")
    return hint, inner


def _column(scanner: Scanner, name: str, alias: str | None) -> SelectColumn | SelectAggregate:
    column = scanner.column_named(name)
    cast = _cast(scanner)
    if scanner.take("."):
        found = scanner.match(_AGGREGATE)
        if found is None:
            raise scanner.error("an aggregate function")
        return _aggregate(scanner, SelectAggregate(Aggregate(found.group(1)), column, alias, cast))
    scanner.skip_spaces()
    return SelectColumn(column, alias, cast)


def _aggregate(scanner: Scanner, item: SelectAggregate) -> SelectAggregate:
    cast = _cast(scanner)
    scanner.skip_spaces()
    return replace(item, outcome_cast=cast) if cast else item


def _cast(scanner: Scanner) -> str | None:
    if not scanner.take("::"):
        return None
    found = scanner.match(_CAST)
    cast = found.group().strip(" ") if found else ""
    if not cast:
        raise scanner.error("a type")
    return cast


def _refuse_equal_labels(scanner: Scanner, items: Sequence[SelectItem]) -> None:
    labels: set[str] = set()
    for item in items:
        if isinstance(item, Embed):
            if item.label in labels:
                expected = f"another alias for the second embed called '{item.label}'"
                raise malformed(scanner.what, scanner.text, expected, scanner.position)
            labels.add(item.label)
