"""Where writes with hooks happen: which table has hooks for a write, and the transaction that they run in.

A table without hooks pays one look-up in a dictionary for them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from backstay.errors import BackstayError
from backstay.models.resources.plan import WritePlan
from backstay.models.resources.request import WriteKind
from backstay.repositories.database.sessions import Session
from backstay.services.context import Context
from backstay.services.hooks import TableHooks
from backstay.services.resources.hidden_names import said_to
from backstay.services.resources.hooked import Transaction
from backstay.services.unit_of_work import UnitOfWork, require_writing

NO_HOOKS: Mapping[str, TableHooks] = {}

_ON_INSERT = ("before_create", "validate", "after_create")
_ON_UPDATE = ("before_update", "validate", "after_update")
_ON_DELETE = ("before_delete", "after_delete")
_ON = {WriteKind.INSERT: _ON_INSERT, WriteKind.UPDATE: _ON_UPDATE, WriteKind.DELETE: _ON_DELETE}


class HookTransactions:
    """Opens them.

    Args:
        units: opens the transaction of a write that is not part of another.
        hooks: by table.
    """

    def __init__(self, units: UnitOfWork, hooks: Mapping[str, TableHooks] = NO_HOOKS) -> None:
        self._units = units
        self._hooks = hooks

    def around(self, plan: WritePlan) -> TableHooks | None:
        """The table's hooks, when one of them is for such a write."""
        hooks = self._hooks.get(plan.resource.name)
        if hooks is None:
            return None
        names = _ON[plan.kind] if plan.conflict is None else (*_ON_INSERT, *_ON_UPDATE)
        return hooks if hooks.has(*names) else None

    @asynccontextmanager
    async def begin(
        self, context: Context, session: Session | None, hooks: TableHooks, plan: WritePlan
    ) -> AsyncIterator[Transaction]:
        """The transaction of one write: that of the session, or one of its own, which a write that is only tried keeps
        nothing of."""
        try:
            with hooks.level():
                if session is not None:
                    require_writing(session)
                    yield Transaction(context, session, hooks)
                else:
                    async with self._units.begin(context) as own:
                        yield Transaction(context, own, hooks)
                        if plan.undone:
                            await own.rollback()
        except BackstayError as error:
            said = said_to(context.caller, hooks.resource, error)
            if said is error:
                raise
            raise said from error
