"""The cursors of one caller: each belongs to a table, a filter and an order, and to whoever was given it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from backstay.models.access.caller import Caller
from backstay.models.resources.request import Query
from backstay.services.resources.cursors import Cursors, owner_of


class CallersCursors:
    """Seals and opens for one caller."""

    def __init__(self, cursors: Cursors, caller: Caller, kind: Hashable) -> None:
        self._cursors = cursors
        self._caller = caller
        self._kind = kind
        self._owners: dict[tuple[str, Query], bytes] = {}

    def seal(self, table: str, query: Query, place: str) -> str:
        """The cursor of a row's place."""
        return self._cursors.seal(self._owner(table, query), place)

    def open(self, table: str, query: Query, cursor: str) -> Sequence[str | None]:
        """The literals of the place that a cursor stands for.

        Raises:
            BackstayError: `bad_cursor`.
        """
        return self._cursors.open(self._owner(table, query), cursor)

    def _owner(self, table: str, query: Query) -> bytes:
        place = (table, query)
        if place not in self._owners:
            self._owners[place] = owner_of(table, query, self._caller, self._kind)
        return self._owners[place]
