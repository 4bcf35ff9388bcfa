"""Putting filters, orders and limits where they belong: at the resource, or at one of the embeds of its `select`.

In charge of finding an embed by its label and of telling filters on embeds from filters on columns. Not in charge of
any grammar but that of the dotted path in a key (`roles.actors.name`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backstay.controllers.resources.scan import Scanner
from backstay.errors import BackstayError
from backstay.models.resources.request import (
    ColumnPath,
    Condition,
    Embed,
    EmbedFilter,
    Filter,
    IsValue,
    Logic,
    Order,
    Query,
    SelectItem,
)

_EMPTINESS = (IsValue.NULL, IsValue.NOT_NULL)


def parse_path(text: str) -> tuple[str, ...]:
    """The path of embeds before a reserved word, `roles.actors`: at least one name.

    Raises:
        BackstayError: PGRST100 for its grammar, 54000 for its depth.
    """
    scanner = Scanner("tree path", text)
    names = _names(scanner)
    scanner.expect_end()
    return tuple(names)


def parse_key(text: str) -> tuple[tuple[str, ...], ColumnPath]:
    """A filter's key, `roles.actors.name->first`: the path of embeds, and the column at its end.

    Raises:
        BackstayError: as `parse_path`.
    """
    scanner = Scanner("tree path", text)
    names = _names(scanner)
    column = scanner.column_named(names.pop())
    scanner.expect_end()
    return tuple(names), column


def _names(scanner: Scanner) -> list[str]:
    names = [scanner.name()]
    while scanner.take("."):
        scanner.count_item(depth=len(names))
        names.append(scanner.name())
    return names


class Level:
    """A query being put together: that of the resource, or that of one embed."""

    __slots__ = ("_children", "_embeds", "_items", "limit", "offset", "order", "where")

    def __init__(self, items: Sequence[SelectItem]) -> None:
        self._items = items
        self._embeds = {item.label: item for item in items if isinstance(item, Embed)}
        self._children: dict[str, Level] = {}
        self.where: list[Condition] = []
        self.order: tuple[Order, ...] = ()
        self.limit: int | None = None
        self.offset: int | None = None

    def at(self, path: Sequence[str]) -> Level:
        """The level of the embed at that path of labels; the level itself for the empty path.

        Raises:
            BackstayError: PGRST108.
        """
        level = self
        for name in path:
            level = level._child(name)
        return level

    def add_condition(self, condition: Condition) -> None:
        """One more condition that must hold.

        Raises:
            BackstayError: PGRST120 when it compares an embed with anything but null.
        """
        self.where.append(self._addressed(condition) if self._embeds else condition)

    def order_by(self, terms: tuple[Order, ...]) -> None:
        """The order of this level.

        Raises:
            BackstayError: PGRST108 for a term by a relation that is not embedded.
        """
        for term in terms:
            if term.relation is not None:
                self._embed(term.relation)
        self.order = terms

    def freeze(self) -> Query:
        """The query as it stands now."""
        items = tuple(self._frozen(item) for item in self._items) if self._children else tuple(self._items)
        return Query(items, tuple(self.where), self.order, self.limit, self.offset)

    def _frozen(self, item: SelectItem) -> SelectItem:
        child = self._children.get(item.label) if isinstance(item, Embed) else None
        return replace(item, query=child.freeze()) if child is not None and isinstance(item, Embed) else item

    def _child(self, name: str) -> Level:
        if name not in self._children:
            self._children[name] = Level(self._embed(name).query.select)
        return self._children[name]

    def _embed(self, name: str) -> Embed:
        if name in self._embeds:
            return self._embeds[name]
        message = f"'{name}' is not an embedded resource in this request"
        for embed in self._embeds.values():
            if embed.relation == name:
                raise BackstayError(
                    "PGRST108",
                    message,
                    details="Target names are not allowed in filters if they have an alias",
                    hint=f"Change '{name}' to '{embed.label}' in filters, orders or limits.",
                )
        hint = f"Verify that '{name}' is included in the 'select' query parameter."
        raise BackstayError("PGRST108", message, hint=hint)

    def _addressed(self, condition: Condition) -> Condition:
        if isinstance(condition, Logic):
            return replace(condition, items=tuple(self._addressed(item) for item in condition.items))
        if isinstance(condition, Filter) and not condition.column.steps:
            name = condition.column.name
            if name in self._embeds:
                return _emptiness(name, condition)
        return condition


def _emptiness(name: str, condition: Filter) -> EmbedFilter:
    if condition.is_value not in _EMPTINESS:
        raise BackstayError(
            "PGRST120",
            f"Bad operator on the '{name}' embedded resource",
            details="Only is null or not is null filters are allowed on embedded resources",
        )
    return EmbedFilter(name, empty=(condition.is_value is IsValue.NULL) != condition.negated)
