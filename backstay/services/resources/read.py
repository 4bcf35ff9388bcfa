"""Reading resources: plan once per request shape and kind of caller, then read literals and fetch."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

from backstay.errors import BackstayError
from backstay.models.catalog import Field, Resource
from backstay.models.resources.plan import ReadPlan
from backstay.models.resources.request import Request, Shape
from backstay.repositories.database.sessions import Session
from backstay.repositories.resources.fetch import Page, ResourceRepository
from backstay.services.context import Context
from backstay.services.resources.cursors import Cursors, owner_of
from backstay.services.resources.kinds import CallerKinds
from backstay.services.resources.literals import read_values
from backstay.services.resources.plan import Planner
from backstay.services.resources.sight import Sight
from backstay.utils.bounded import BoundedDict

KEPT_PLANS = 2000
Key = tuple[Any, ...]


class ResourceReader:
    """Answers questions about resources."""

    def __init__(
        self, planner: Planner, kinds: CallerKinds, repository: ResourceRepository, cursors: Cursors
    ) -> None:
        self.planner = planner
        self.kinds = kinds
        self.repository = repository
        self.cursors = cursors
        self._resources: BoundedDict[Hashable, Resource] = BoundedDict(KEPT_PLANS)
        self._plans: BoundedDict[Hashable, ReadPlan] = BoundedDict(KEPT_PLANS)

    async def read(
        self, context: Context, request: Request, values: Sequence[Any], session: Session | None = None
    ) -> Page:
        """Rows of a resource as this caller may see them. One statement.

        Args:
            session: whose transaction it is part of, and sees.

        Raises:
            BackstayError: for names that do not exist for the caller, literals that are no such value, `PGRST116`
                when one object was wanted and another number of rows found, `PGRST103` for an offset past the end.
        """
        plan = self.plan(context, request)
        literals = read_values(plan.parameters, values)
        page = await self.repository.read(plan, literals, context.caller, session)
        return _checked(request, page)

    async def read_keys(
        self,
        context: Context,
        request: Request,
        values: Sequence[Any],
        keys: Sequence[Key],
        session: Session,
    ) -> Page:
        """The same among the rows of those keys, which come in the order of the keys unless another is asked for."""
        plan = self.plan(context, request)
        literals = read_values(plan.parameters, values)
        in_order = not request.query.order
        page = await self.repository.read_keys(
            plan, literals, context.caller, keys, session, in_order=in_order
        )
        return _checked(request, page)

    def plan(self, context: Context, request: Request) -> ReadPlan:
        """The plan of a read, made once per shape and kind of caller.

        Raises:
            BackstayError: for names that do not exist for the caller.
        """
        place = (
            request.resource,
            request.query,
            request.count,
            request.shape,
            request.zone,
            request.keyed,
            self.kinds.of(context.caller),
        )
        plan = self._plans.get(place)
        if plan is None:
            plan = self._plans[place] = self.planner.read(request, context.caller)
        return plan

    async def read_after(
        self,
        context: Context,
        request: Request,
        values: Sequence[Any],
        cursor: str,
        session: Session | None = None,
    ) -> Page:
        """The page after a cursor, or the first one for an empty cursor; with the cursor of the next, if it is full.

        A page that ends with the last row is full too; the one after it is empty.

        Raises:
            BackstayError: as `read`; `bad_cursor` for a cursor that this caller was not given for this question.
        """
        query = request.query
        owner = owner_of(request.resource, query, context.caller, self.kinds.of(context.caller))
        after = None
        if cursor:
            keys = self.cursors.open(owner, cursor)
            slots = itertools.count(len(values))
            after = tuple(None if key is None else next(slots) for key in keys)
            values = (*values, *(key for key in keys if key is not None))
        request = replace(request, keyed=True, query=replace(query, after=after))
        page = await self.read(context, request, values, session)
        most = self.planner.settings.max_rows
        limit = most if query.limit is None else min(values[query.limit], most)
        if not page.count or page.count < limit:
            return page
        return replace(page, next=self.cursors.seal(owner, page.last))

    def settable(self, context: Context, resource: Resource) -> list[Field]:
        """The columns that exist for this caller and that a write may set."""
        columns = Sight(self.planner.catalog, context.caller).columns(resource)
        return [reference.field for reference in columns if not reference.field.generated]

    def resource(self, context: Context, name: str) -> Resource:
        """The table of that name, if it exists for this caller.

        Raises:
            BackstayError: `PGRST205`.
        """
        place = (name, self.kinds.of(context.caller))
        resource = self._resources.get(place)
        if resource is None:
            sight = Sight(self.planner.catalog, context.caller)
            resource = self._resources[place] = sight.resource(name)
        return resource


def _checked(request: Request, page: Page) -> Page:
    if request.shape is Shape.OBJECT and page.count != 1:
        raise BackstayError("PGRST116", details=f"The result contains {page.count} rows")
    return page
