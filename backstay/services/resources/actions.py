"""Calling actions: who may, in which transaction, and how the rows that they give are shown.

In charge of the one way in which every door calls an action. An action that only reads has a session that cannot
write; any other is one unit of work, undone as a whole when it raises, when it is cancelled, and when its answer cannot
be formed. Rows that it gives are read again by their keys as the caller may see them, so an action cannot show more
than the rules do.
"""

from __future__ import annotations

import difflib
import inspect
from dataclasses import dataclass, field
from typing import Any

from backstay.errors import BackstayError
from backstay.models.access.caller import Caller
from backstay.models.resources.actions import Action, ActionCatalog, Gives
from backstay.models.resources.request import Count, Query, Request, Shape
from backstay.repositories.database.sessions import Session
from backstay.repositories.resources.fetch import Page
from backstay.repositories.resources.objects import keys_of
from backstay.services.construction import Workshop
from backstay.services.context import Context
from backstay.services.resources.action_arguments import Arguments
from backstay.services.resources.tables import Tables
from backstay.services.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class RowsWanted:
    """What of the rows that an action gives is shown: the whole of a read, but for the table.

    Attributes:
        values: the query's literals.
        max_affected: refuse, undone, when more rows than this are shown.
        zone: as in a `Request`.
    """

    query: Query = field(default_factory=Query)
    values: tuple[Any, ...] = ()
    count: Count | None = None
    shape: Shape = Shape.ARRAY
    max_affected: int | None = None
    zone: str | None = None


ALL_OF_THEM = RowsWanted()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to.

    Attributes:
        value: what the action returned, for files and streams.
        document: JSON of a value.
        page: rows as the caller may see them; of an action that gives one row, at most one.
    """

    action: Action
    value: Any = None
    document: bytes | None = None
    page: Page | None = None


class Actions:
    """Finds and calls them."""

    def __init__(self, catalog: ActionCatalog, units: UnitOfWork, workshop: Workshop, tables: Tables) -> None:
        self.catalog = catalog
        self.units = units
        self._workshop = workshop
        self._tables = tables

    def find(self, caller: Caller, name: str) -> Action | None:
        """The action of that name if it exists for this caller: who may not call it is told what a wrong name is."""
        action = self.catalog.actions.get(name)
        return action if action is not None and action.may_be_called_by(caller) else None

    def nearest(self, caller: Caller, name: str) -> Action | None:
        """What was perhaps meant."""
        known = {action.name: action for action in self.catalog.called_by(caller)}
        near = difflib.get_close_matches(name[:64], sorted(known), n=1, cutoff=0.7)
        return known[near[0]] if near else None

    async def call(
        self,
        context: Context,
        action: Action,
        arguments: Arguments,
        wanted: RowsWanted = ALL_OF_THEM,
        session: Session | None = None,
        *,
        undone: bool = False,
    ) -> Outcome:
        """Call an action.

        Args:
            session: whose transaction it becomes part of, which is to be undone as a whole when it raises.
            undone: do all of it, answer as if it were done, and keep nothing; of a transaction of its own.

        Raises:
            BackstayError: `42501` for a caller who may not; what the action raises; what a read of its rows raises.
        """
        if not action.may_be_called_by(context.caller):
            raise BackstayError("42501", f"permission denied for function {action.name}")
        if action.resource is not None:
            # A question that cannot be answered is refused before anything is done. The table is the action's word and
            # not the caller's, who is not told its name.
            if action.resource.access.read.fold(context.caller) is False:
                raise BackstayError("42501", f"permission denied for the rows of function {action.name}")
            self._tables.plans.read(context, self._question(action, wanted))
        if wanted.max_affected is not None and action.gives is not Gives.ROWS:
            raise BackstayError("PGRST128")
        if session is not None:
            async with self.units.part(session, reading=action.only_reads):
                return await self._call(context, action, arguments, wanted, session)
        try:
            async with self.units.begin(context, reading=action.only_reads) as own:
                outcome = await self._call(context, action, arguments, wanted, own)
                if undone:
                    await own.flush()
                    raise _UndoneError(outcome)
        except _UndoneError as done:
            return done.outcome
        return outcome

    async def _call(
        self, context: Context, action: Action, arguments: Arguments, wanted: RowsWanted, session: Session
    ) -> Outcome:
        service = self._workshop.make(action.service, context, session)
        value = await getattr(service, action.attribute)(context, **arguments)
        if action.resource is not None:
            return Outcome(action, page=await self._rows(context, action, value, wanted, session))
        if action.adapter is not None:
            if inspect.isawaitable(value):
                raise TypeError(f"{action.name} returned what was to be awaited")
            # By alias, as the value is described.
            return Outcome(action, document=action.adapter.dump_json(value, by_alias=True))
        if action.gives is Gives.NOTHING and value is not None:
            raise TypeError(f"{action.name} returned something, and says that it returns None")
        return Outcome(action, value=value)

    async def _rows(
        self, context: Context, action: Action, value: Any, wanted: RowsWanted, session: Session
    ) -> Page:
        assert action.resource is not None
        given = ([] if value is None else [value]) if action.gives is Gives.ROW else value
        keys = await keys_of(session, action.resource, given)
        service = self._tables.of(action.resource.name)
        page = await service.read_keys(context, self._question(action, wanted), wanted.values, keys, session)
        # Only rows that the caller sees are counted: how many others the action gave is nothing for them.
        if wanted.max_affected is not None and page.count > wanted.max_affected:
            raise BackstayError("PGRST124", details=f"The query affects {page.count} rows")
        return page

    def _question(self, action: Action, wanted: RowsWanted) -> Request:
        assert action.resource is not None
        return Request(action.resource.name, wanted.query, wanted.count, wanted.shape, wanted.zone)


class _UndoneError(Exception):
    """Ends a transaction that is not to be kept."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
