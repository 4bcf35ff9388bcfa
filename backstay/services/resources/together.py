"""Several reads, or several writes and calls of actions, as one use case: the reads are one statement, the rest one
transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from backstay.errors import BackstayError
from backstay.models.resources.actions import Action
from backstay.models.resources.request import Query, Request, Rows, Write, WriteKind
from backstay.repositories.database.sessions import Session
from backstay.repositories.resources.joint_reads import JointReads
from backstay.repositories.resources.write import Written
from backstay.services.context import Context
from backstay.services.resources.action_arguments import from_json
from backstay.services.resources.actions import Actions, Outcome, RowsWanted
from backstay.services.resources.literals import read_values
from backstay.services.resources.tables import Tables


@dataclass(frozen=True, slots=True)
class WriteStep:
    """One of several writes."""

    write: Write
    rows: Rows


@dataclass(frozen=True, slots=True)
class CallStep:
    """One of several calls.

    Attributes:
        arguments: a JSON object.
        query: what is shown of the rows that the action gives.
    """

    action: Action
    arguments: bytes
    query: Query = field(default_factory=Query)


AnyStep = WriteStep | CallStep
Done = Written | Outcome


class StepError(Exception):
    """One of several steps failed, and all were undone. The cause says how."""

    def __init__(self, number: int, error: BackstayError) -> None:
        self.number = number
        self.error = error
        super().__init__(f"step {number}: {error}")


class ResourceTogether:
    """Answers and does several things at once, in transactions that begin as those of actions do."""

    def __init__(self, tables: Tables, joint: JointReads, actions: Actions) -> None:
        self.tables = tables
        self.joint = joint
        self._actions = actions
        self._units = actions.units

    async def read(
        self, context: Context, requests: tuple[Request, ...], values: Sequence[Any]
    ) -> list[bytes]:
        """The JSON array of each request. One statement, none for no requests.

        A table that is read by code of the user's is asked of that code, which is a statement of its own.

        Args:
            values: the literals of all of them.

        Raises:
            BackstayError: as `TableService.read`; the caps on embeds and conditions hold for all together.
        """
        if not requests:
            return []
        # The caps are those of all requests, however they are read.
        plan = self.tables.plans.joint(context, requests)
        alone = self.tables.alone
        if alone and any(request.resource in alone for request in requests):
            return await self._read_apart(context, requests, values)
        return await self.joint.read(plan, read_values(plan.parameters, values), context.caller)

    async def _read_apart(
        self, context: Context, requests: tuple[Request, ...], values: Sequence[Any]
    ) -> list[bytes]:
        """Each request of a table that is read alone, and all others together."""
        rest = tuple(request for request in requests if request.resource not in self.tables.alone)
        joint = iter(await self.read(context, rest, values))
        bodies = []
        for request in requests:
            if request.resource not in self.tables.alone:
                bodies.append(next(joint))
            else:
                service = self.tables.of(request.resource)
                bodies.append((await service.read(context, request, values)).body)
        return bodies

    async def write(
        self, context: Context, steps: Sequence[AnyStep], values: Sequence[Any]
    ) -> Sequence[Done]:
        """Do the writes and calls in their order; all of them or none.

        Raises:
            StepError: with the number of the step that failed.
        """
        return await self._all(context, steps, values, reading=False)

    async def call(
        self, context: Context, steps: Sequence[CallStep], values: Sequence[Any]
    ) -> Sequence[Done]:
        """Call actions that only read, in one transaction that cannot write.

        Raises:
            StepError: with the number of the call that failed.
        """
        return await self._all(context, steps, values, reading=True) if steps else []

    async def _all(
        self, context: Context, steps: Sequence[AnyStep], values: Sequence[Any], *, reading: bool
    ) -> list[Done]:
        done: list[Done] = []
        try:
            if len(steps) == 1:
                # Alone it is a transaction already, and a write shares its commit with those of other requests.
                done.append(await self._do(context, steps[0], values, None))
                return done
            async with self._units.begin(context, reading=reading) as session:
                for step in steps:
                    one = await self._do(context, step, values, session)
                    done.append(one)
        except BackstayError as error:
            # What fails when everything is done, the end of the transaction, is told of the last.
            raise StepError(min(len(done), len(steps) - 1), error) from error
        return done

    async def _do(
        self, context: Context, step: AnyStep, values: Sequence[Any], session: Session | None
    ) -> Done:
        if isinstance(step, CallStep):
            return await self._call(context, step, values, session)
        write = step.write
        service = self.tables.of(write.resource)
        if write.kind is WriteKind.INSERT:
            return await service.insert(context, write, values, step.rows, session=session)
        if write.kind is WriteKind.UPDATE:
            return await service.update(context, write, values, step.rows, session=session)
        return await service.delete(context, write, values, session=session)

    async def _call(
        self, context: Context, step: CallStep, values: Sequence[Any], session: Session | None
    ) -> Outcome:
        arguments = from_json(step.action, step.arguments)
        wanted = RowsWanted(step.query, tuple(values))
        return await self._actions.call(context, step.action, arguments, wanted, session)
