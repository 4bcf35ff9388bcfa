"""Plans, kept: each is made once per shape of a request and kind of caller, whichever table and door it is for.

In charge of remembering. What a plan says, the access rules included, is `plan.py`'s and `plan_write.py`'s.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from backstay.models.catalog import Field, Resource
from backstay.models.resources.plan import JointPlan, ReadPlan, WritePlan
from backstay.models.resources.request import Request, Write
from backstay.services.context import Context
from backstay.services.resources.cursors import owner_of
from backstay.services.resources.kinds import CallerKinds
from backstay.services.resources.new_rows import Defaults
from backstay.services.resources.plan import Planner
from backstay.services.resources.plan_write import plan_write
from backstay.services.resources.sight import Sight
from backstay.utils.bounded import BoundedDict

KEPT_PLANS = 2000


class Plans:
    """The plans of one catalog, with the access rules folded in for whoever asks.

    Attributes:
        catalog: every table.
        settings: the caps.
        kinds: tells which callers share plans.
    """

    def __init__(self, planner: Planner, kinds: CallerKinds) -> None:
        self.catalog = planner.catalog
        self.settings = planner.settings
        self.kinds = kinds
        self._planner = planner
        self._resources: BoundedDict[Hashable, Resource] = BoundedDict(KEPT_PLANS)
        self._reads: BoundedDict[Hashable, ReadPlan] = BoundedDict(KEPT_PLANS)
        self._joint: BoundedDict[Hashable, JointPlan] = BoundedDict(KEPT_PLANS)
        self._writes: BoundedDict[Hashable, WritePlan] = BoundedDict(KEPT_PLANS)
        self._defaults = {name: Defaults(resource) for name, resource in self.catalog.resources.items()}

    def read(self, context: Context, request: Request) -> ReadPlan:
        """The plan of a read.

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
        plan = self._reads.get(place)
        if plan is None:
            plan = self._reads[place] = self._planner.read(request, context.caller)
        return plan

    def joint(self, context: Context, requests: tuple[Request, ...]) -> JointPlan:
        """The plan of several reads that are answered together.

        Raises:
            BackstayError: as `read`; the caps on embeds and conditions hold for all together.
        """
        place = (requests, self.kinds.of(context.caller))
        plan = self._joint.get(place)
        if plan is None:
            plan = self._joint[place] = self._planner.joint(requests, context.caller)
        return plan

    def write(self, context: Context, write: Write, columns: tuple[str, ...]) -> WritePlan:
        """The plan of a write that sets those columns.

        Raises:
            BackstayError: for names that do not exist for the caller, and for what they may never do.
        """
        place = (write, columns, self.kinds.of(context.caller))
        plan = self._writes.get(place)
        if plan is None:
            plan = self._writes[place] = plan_write(self._planner, write, columns, context.caller)
        return plan

    def resource(self, context: Context, name: str) -> Resource:
        """The table of that name, if it exists for this caller.

        Raises:
            BackstayError: `PGRST205`.
        """
        place = (name, self.kinds.of(context.caller))
        resource = self._resources.get(place)
        if resource is None:
            sight = Sight(self.catalog, context.caller)
            resource = self._resources[place] = sight.resource(name)
        return resource

    def settable(self, context: Context, resource: Resource) -> list[Field]:
        """The columns that exist for this caller and that a write may set."""
        columns = Sight(self.catalog, context.caller).columns(resource)
        return [reference.field for reference in columns if not reference.field.generated]

    def defaults(self, plan: WritePlan) -> Defaults:
        """What the application fills in for the table of a plan."""
        return self._defaults[plan.resource.name]

    def owner(self, context: Context, request: Request) -> bytes:
        """What the cursors of a question belong to."""
        return owner_of(request.resource, request.query, context.caller, self.kinds.of(context.caller))

    def page_size(self, request: Request, values: Sequence[Any]) -> int:
        """How many rows an answer to the request has at most."""
        limit, most = request.query.limit, self.settings.max_rows
        return most if limit is None else min(values[limit], most)
