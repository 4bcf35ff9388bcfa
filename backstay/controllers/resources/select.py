"""The `select` parameter: columns, casts, JSON paths and embeds.

In charge of its grammar and of its embeds having different labels. What the names mean is settled by the planner;
filters, order and limits of embeds come from other parameters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from backstay.controllers.resources.scan import Scanner, malformed
from backstay.errors import BackstayError
from backstay.models.resources.request import AllColumns, Embed, Query, SelectColumn, SelectItem

_CAST = re.compile(r"[A-Za-z0-9_ ]++")
_AGGREGATE = re.compile(r"(?:sum|avg|count|min|max)\(\)")
_JOINS = {"inner": True, "left": False}


def parse_select(text: str) -> tuple[SelectItem, ...]:
    """The items of a whole `select` parameter; an empty text selects nothing.

    Raises:
        BackstayError: PGRST100 for its grammar, 54000 for its size, PGRST123 for an aggregate, PGRST127 for a spread.
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
    if scanner.next_is("..."):
        raise BackstayError("PGRST127", details="Spread embeds ('...relation(columns)') are not supported.")
    name, alias = scanner.name("a column, a relation or '*'"), None
    if scanner.next_is(":") and not scanner.next_is("::"):
        scanner.take(":")
        alias, name = name, scanner.name("a column or a relation")
    if name == "count" and scanner.next_is("()"):
        raise BackstayError("PGRST123")
    if scanner.next_is("(") or scanner.next_is("!"):
        return _embed(scanner, name, alias, depth)
    return _column(scanner, name, alias)


def _embed(scanner: Scanner, relation: str, alias: str | None, depth: int) -> Embed:
    hint, inner = _embed_words(scanner)
    scanner.expect("(")
    scanner.skip_spaces()
    items = () if scanner.next_is(")") else _items(scanner, depth + 1)
    if not scanner.take(")"):
        raise scanner.error("',' or ')'")
    scanner.skip_spaces()
    return Embed(relation, Query(select=items), alias, hint, bool(inner))


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


def _column(scanner: Scanner, name: str, alias: str | None) -> SelectColumn:
    column = scanner.column_named(name)
    cast = _cast(scanner)
    if scanner.take("."):
        if scanner.match(_AGGREGATE):
            raise BackstayError("PGRST123")
        raise scanner.error("an aggregate function")
    scanner.skip_spaces()
    return SelectColumn(column, alias, cast)


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
