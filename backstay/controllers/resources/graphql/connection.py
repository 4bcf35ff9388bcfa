"""A Relay connection: one page of rows with its edges, cursors and what lies around it.

In charge of the page: one row more than asked for says whether there are more. Rows come from the database in the
order asked for, the page's end included when it is counted backwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from backstay.controllers.resources.graphql.pages import Window
from backstay.controllers.resources.graphql.rows import Get, Items
from backstay.models.catalog import Resource
from backstay.models.resources.request import PLACE_LABEL, Condition, Order, Query


class Cursors(Protocol):
    """Seals and opens the cursors of one caller."""

    def seal(self, table: str, query: Query, place: str) -> str:
        """The cursor of a row whose place, as the database wrote it, is `place`."""

    def open(self, table: str, query: Query, cursor: str) -> Sequence[str | None]:
        """The literals of the row that a cursor stands for."""


class _Page:
    """The rows of one page, looked at once for all its fields."""

    def __init__(self, window: Window, found: list[Any]) -> None:
        self.more = len(found) > window.size
        self.rows = found
        if self.more:
            self.rows = found[len(found) - window.size :] if window.backward else found[: window.size]
        # A cursor stands for a row, and an offset was not counted in vain: there is something on that side.
        behind = window.cursor is not None or window.offset is not None
        self.next = behind if window.backward else self.more
        self.previous = self.more if window.backward else behind


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the fields of a connection are taken out of: its page, and where that was found."""

    source: Any
    page: _Page | None


class Connection:
    """One connection in the making.

    Args:
        where: its conditions.
        form: the same in slots of their own, which a cursor belongs to.
    """

    def __init__(
        self,
        resource: Resource,
        window: Window,
        where: tuple[Condition, ...],
        form: tuple[Condition, ...],
        order: tuple[Order, ...],
        slot: Callable[[Any], int],
        cursors: Cursors,
    ) -> None:
        self.resource = resource
        self.window = window
        self.items = Items()
        self.needs_rows = False
        self._where = where
        self._order = order
        self._slot = slot
        self._cursors = cursors
        self._keyed = False
        self._form = Query(where=form, order=order)

    def cursor(self) -> Get:
        """The cursor of an edge, out of its row."""
        self._keyed = True
        seal, name, form = self._cursors.seal, self.resource.name, self._form
        return lambda row: seal(name, form, row[PLACE_LABEL])

    def edges(self, shape: Get) -> Get:
        """All edges of the page."""
        self.needs_rows = True
        return lambda seen: [shape(row) for row in seen.page.rows]

    def beside(self, get: Get) -> Get:
        """What is asked beside the page: `get` takes it out of where the page was found."""
        return lambda seen: get(seen.source)

    def page_info(self, name: str) -> Get:
        """One field of `pageInfo`, out of the page."""
        self.needs_rows = True
        if name == "hasNextPage":
            return lambda seen: seen.page.next
        if name == "hasPreviousPage":
            return lambda seen: seen.page.previous
        cursor = self.cursor()
        end = 0 if name == "startCursor" else -1
        return lambda seen: cursor(seen.page.rows[end]) if seen.page.rows else None

    def asked(self, ask: Callable[[Query], Get], shape: Get) -> Get:
        """Ask for the rows, if any field needs them; the form of the whole connection, out of its source."""
        if not self.needs_rows:
            return lambda source: shape(_Seen(source, None))
        rows, window = ask(self._query()), self.window
        return lambda source: shape(_Seen(source, _Page(window, rows(source))))

    def _query(self) -> Query:
        window = self.window
        after = None
        if window.cursor is not None:
            literals = self._cursors.open(self.resource.name, self._form, window.cursor)
            after = tuple(None if text is None else self._slot(text) for text in literals)
        return Query(
            select=self.items.select(),
            where=self._where,
            order=self._order,
            limit=self._slot(window.size + 1),
            offset=None if window.offset is None else self._slot(window.offset),
            after=after,
            backward=window.backward,
            keyed=self._keyed,
        )
