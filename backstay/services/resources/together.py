"""Several reads, or several writes, as one use case: the reads are one statement, the writes one transaction."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from backstay.errors import BackstayError
from backstay.models.resources.plan import JointPlan
from backstay.models.resources.request import Request, Rows, Write, WriteKind
from backstay.repositories.database.sessions import Session
from backstay.repositories.resources.write import Written
from backstay.services.context import Context
from backstay.services.resources.literals import read_values
from backstay.services.resources.read import ResourceReader
from backstay.services.resources.write import ResourceWriter
from backstay.services.unit_of_work import UnitOfWork
from backstay.utils.bounded import BoundedDict

KEPT_PLANS = 2000


@dataclass(frozen=True, slots=True)
class WriteStep:
    """One of several writes."""

    write: Write
    rows: Rows


class StepError(Exception):
    """One of several writes failed, and all were undone. The cause says how."""

    def __init__(self, number: int, error: BackstayError) -> None:
        self.number = number
        self.error = error
        super().__init__(f"step {number}: {error}")


class ResourceTogether:
    """Answers and does several things at once."""

    def __init__(self, reader: ResourceReader, writer: ResourceWriter, units: UnitOfWork) -> None:
        self._reader = reader
        self._writer = writer
        self._units = units
        self._plans: BoundedDict[Hashable, JointPlan] = BoundedDict(KEPT_PLANS)

    async def read(
        self, context: Context, requests: tuple[Request, ...], values: Sequence[Any]
    ) -> list[bytes]:
        """The JSON array of each request. One statement, none for no requests.

        Args:
            values: the literals of all of them.

        Raises:
            BackstayError: as `ResourceReader.read`; the caps on embeds and conditions hold for all together.
        """
        if not requests:
            return []
        caller = context.caller
        place = (requests, self._reader.kinds.of(caller))
        plan = self._plans.get(place)
        if plan is None:
            plan = self._plans[place] = self._reader.planner.joint(requests, caller)
        literals = read_values(plan.parameters, values)
        return await self._reader.repository.read_joint(plan, literals, caller)

    async def write(
        self, context: Context, steps: Sequence[WriteStep], values: Sequence[Any]
    ) -> list[Written]:
        """Do the writes in their order; all of them or none.

        Raises:
            StepError: with the number of the write that failed.
        """
        if len(steps) == 1:
            # A write is a transaction already, and shares its commit with those of other requests.
            return [await self._do(context, 0, steps[0], values, None)]
        async with self._units.begin(context) as session:
            return [
                await self._do(context, number, step, values, session) for number, step in enumerate(steps)
            ]

    async def _do(
        self, context: Context, number: int, step: WriteStep, values: Sequence[Any], session: Session | None
    ) -> Written:
        write = step.write
        try:
            if write.kind is WriteKind.INSERT:
                return await self._writer.insert(context, write, values, step.rows, session=session)
            if write.kind is WriteKind.UPDATE:
                return await self._writer.update(context, write, values, step.rows, session=session)
            return await self._writer.delete(context, write, values, session=session)
        except BackstayError as error:
            raise StepError(number, error) from error
