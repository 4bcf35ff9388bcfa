"""Reading and writing tables: plan, read the literals and rows, run.

Every door's reads and writes come through here, so this is where hooks of the user's have their place. The methods are
written to be copied: `backstay eject` puts them into a user's file, under a class of one table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from backstay.config.rest import RestSettings
from backstay.errors import BackstayError
from backstay.models.catalog import Resource
from backstay.models.resources.of_table import OfTable
from backstay.models.resources.plan import WritePlan
from backstay.models.resources.request import Conflict, Request, Rows, Write
from backstay.repositories.database.sessions import Session
from backstay.repositories.resources.fetch import Page, TableRepository
from backstay.repositories.resources.keyed import Key
from backstay.repositories.resources.write import Precondition, Written
from backstay.services.context import Context
from backstay.services.hooks import TableHooks
from backstay.services.resources.cursors import Cursors, after
from backstay.services.resources.hidden_names import said_to
from backstay.services.resources.hook_transactions import HookTransactions
from backstay.services.resources.hooked import HookedWrites
from backstay.services.resources.literals import read_values
from backstay.services.resources.new_rows import NewRows
from backstay.services.resources.outcomes import checked, nothing_written
from backstay.services.resources.plans import Plans
from backstay.services.resources.sent_rows import (
    changes_of,
    columns_of,
    refuse_many,
    refuse_repeated,
    refuse_several,
)
from backstay.services.unit_of_work import once_more, require_writing


class TableService(OfTable):
    """Reads and writes of tables, for every door.

    `class TripsService(TableService, table="trips")` is that of one table; the others share the generic one. What is
    read and written of that table goes through its methods, whichever door it comes through. Rows that another table's
    answer embeds are part of that answer's one statement, and go by the access rules alone.

    Attributes:
        plans: plans of reads and writes, with the access rules folded in for the caller.
        repository: runs plans.
        cursors: seals and opens the places of pages.
        hooks: the hooks of users' services, and the transaction they run in.
        steps: the writes that have hooks.
        settings: the caps.
    """

    def __init__(
        self, plans: Plans, repository: TableRepository, cursors: Cursors, hooks: HookTransactions
    ) -> None:
        self.plans = plans
        self.repository = repository
        self.cursors = cursors
        self.hooks = hooks
        self.settings: RestSettings = plans.settings
        self.steps = HookedWrites(repository, plans.settings.max_write_rows)

    async def read(
        self, context: Context, request: Request, values: Sequence[Any], session: Session | None = None
    ) -> Page:
        """Rows as this caller may see them. One statement.

        Args:
            session: whose transaction it is part of, and sees.

        Raises:
            BackstayError: for names that do not exist for the caller, literals that are no such value, `PGRST116`
                when one object was wanted and another number of rows found.
        """
        plan = self.plans.read(context, request)
        literals = read_values(plan.parameters, values)
        page = await self.repository.read(plan, literals, context.caller, session)
        return checked(request, page)

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
        owner = self.plans.owner(context, request)
        place = self.cursors.open(owner, cursor) if cursor else None
        question, literals = after(place, request, values)
        page = await self.read(context, question, literals, session)
        if not page.count or page.count < self.plans.page_size(request, values):
            return page
        return replace(page, next=self.cursors.seal(owner, page.last))

    async def read_keys(
        self,
        context: Context,
        request: Request,
        values: Sequence[Any],
        keys: Sequence[Key],
        session: Session,
    ) -> Page:
        """The same among the rows of those keys, which come in the order of the keys unless another is asked for.

        It is how the rows that an action gives are shown.
        """
        plan = self.plans.read(context, request)
        literals = read_values(plan.parameters, values)
        in_order = not request.query.order
        page = await self.repository.read_keys(
            plan, literals, context.caller, keys, session, in_order=in_order
        )
        return checked(request, page)

    async def find(self, context: Context, resource: Resource, key: Key, session: Session) -> Any | None:
        """The row of that key as an object of its model, if this caller may read it, for `Records`."""
        await session.flush()
        return await self.repository.find(resource, key, context.caller, session)

    async def insert(
        self,
        context: Context,
        write: Write,
        values: Sequence[Any],
        rows: Rows,
        session: Session | None = None,
    ) -> Written:
        """Insert rows, or with `write.conflict` meet those that exist. All of them or none.

        Args:
            values: literals of the query, which an answer with filtered embeds has.
            session: whose transaction it becomes part of; it is to be undone as a whole when this raises.

        Raises:
            BackstayError: `validation_failed` with one entry per bad value; `PGRST204`, `42501`, `23505` and the like.
        """
        refuse_many(rows, self.settings.max_write_rows)
        plan = self.plans.write(context, write, columns_of(rows))
        if not rows.items:
            return nothing_written(write)
        literals = read_values(plan.parameters, values)
        hooks = self.hooks.around(plan)
        if hooks is not None:
            return await self.insert_with_hooks(context, plan, rows, literals, session, hooks)
        new = NewRows(plan, rows, self.plans.defaults(plan), context.caller)
        new.refuse_missing(range(len(new)))
        refuse_repeated(plan, new.all())
        return await self.run(context, plan, new.all(), literals, session=session)

    async def update(
        self,
        context: Context,
        write: Write,
        values: Sequence[Any],
        rows: Rows,
        precondition: Precondition | None = None,
        session: Session | None = None,
    ) -> Written:
        """Set columns of the rows that match the filters and that the caller may change.

        Args:
            precondition: sees the document of the rows about to be changed (None when there are none), and raises.
        """
        refuse_several(rows)
        plan = self.plans.write(context, write, columns_of(rows))
        changes = changes_of(plan, rows, self.plans.defaults(plan), context.caller)
        literals = read_values(plan.parameters, values)
        hooks = self.hooks.around(plan)
        if hooks is None:
            return await self.run(context, plan, [changes], literals, precondition, session)
        async with self.hooks.begin(context, session, hooks, plan) as transaction:
            return await self.steps.update(transaction, plan, changes, literals, precondition)

    async def delete(
        self,
        context: Context,
        write: Write,
        values: Sequence[Any],
        precondition: Precondition | None = None,
        session: Session | None = None,
    ) -> Written:
        """Delete the rows that match the filters and that the caller may delete."""
        plan = self.plans.write(context, write, ())
        literals = read_values(plan.parameters, values)
        hooks = self.hooks.around(plan)
        if hooks is None:
            return await self.run(context, plan, (), literals, precondition, session)
        async with self.hooks.begin(context, session, hooks, plan) as transaction:
            return await self.steps.delete(transaction, plan, literals, precondition)

    async def insert_with_hooks(
        self,
        context: Context,
        plan: WritePlan,
        rows: Rows,
        literals: Sequence[Any],
        session: Session | None,
        hooks: TableHooks,
    ) -> Written:
        """Insert rows, or meet those that exist, with hooks around each of them."""

        async def insert() -> Written:
            new = NewRows(plan, rows, self.plans.defaults(plan), context.caller)
            refuse_repeated(plan, new.all())
            async with self.hooks.begin(context, session, hooks, plan) as transaction:
                return await self.steps.insert(transaction, plan, new, literals)

        # A row that was made between looking and inserting is one that an upsert meets the second time.
        again = session is None and plan.conflict is Conflict.MERGE
        return await (once_more(insert) if again else insert())

    async def run(
        self,
        context: Context,
        plan: WritePlan,
        rows: Sequence[Mapping[str, Any]],
        literals: Sequence[Any],
        precondition: Precondition | None = None,
        session: Session | None = None,
    ) -> Written:
        """Run a write without hooks.

        Raises:
            BackstayError: what the database refuses, without the names of columns that the caller cannot see.
        """
        if session is not None:
            require_writing(session)
        try:
            return await self.repository.write(plan, rows, literals, context.caller, precondition, session)
        except BackstayError as error:
            raise said_to(context.caller, plan.resource, error) from error
