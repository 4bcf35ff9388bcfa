"""`/rest/v1/{table}`: the REST dialect over a whole table.

In charge of which method of which table's controller an operation is for.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from backstay.controllers.http import Header, respond
from backstay.controllers.resources.answers import checked_profile
from backstay.controllers.resources.listing import ACCEPT_QUERY, long_question
from backstay.controllers.resources.methods import allowed, require_method
from backstay.controllers.resources.operation import Answer, HttpOperation, Operation
from backstay.controllers.resources.table_controller import TableController
from backstay.errors import BackstayError
from backstay.services.resources.plans import Plans

ALLOWED = ("GET", "HEAD", "QUERY", "POST", "PATCH", "DELETE", "OPTIONS")


class RestController:
    """Answers for every table; the name of the table is the path after the prefix.

    Args:
        generic: answers for every table that has no controller of its own.
        own: by table.
    """

    def __init__(
        self, prefix: str, plans: Plans, generic: TableController, own: Mapping[str, TableController]
    ) -> None:
        self._start = len(prefix)
        self._plans = plans
        self._generic = generic
        self._own = own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One operation."""
        operation = HttpOperation(scope, receive)
        answer = await self.answer(operation)
        await respond(send, answer.status, answer.headers, answer.body, head=operation.method == "HEAD")

    async def answer(self, operation: Operation) -> Answer:
        """One operation."""
        table = operation.path[self._start :]
        if operation.method in ("GET", "HEAD"):
            return await self._own.get(table, self._generic).find(operation, table, operation.query)
        if operation.method == "QUERY":
            return await self.query(operation, table)
        return await self._write(operation, table)

    async def query(self, operation: Operation, table: str) -> Answer:
        """A question in a body."""
        controller = self._own.get(table, self._generic)
        return await controller.find(operation, table, await long_question(operation))

    async def _write(self, operation: Operation, table: str) -> Answer:
        method, caller = operation.method, operation.context.caller
        if method not in ALLOWED:
            raise BackstayError("PGRST117", f"Unsupported HTTP method: {method}", allow=ALLOWED)
        resource = self._plans.resource(operation.context, table)
        require_method(resource, method, ALLOWED, caller)
        controller = self._own.get(table, self._generic)
        if method == "POST":
            return await controller.insert(operation, table)
        if method == "PATCH":
            return await controller.update(operation, table)
        if method == "DELETE":
            return await controller.delete(operation, table)
        methods = allowed(resource, ALLOWED, caller)
        profile = checked_profile(operation.headers.get(b"accept-profile"))
        headers: list[Header] = [(b"allow", ", ".join(methods).encode()), *profile]
        return Answer(200, [*headers, ACCEPT_QUERY] if "QUERY" in methods else headers)
