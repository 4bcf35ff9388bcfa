"""`/rest/v1/{table}/{id}`: the plain face, one row by its primary key.

In charge of which method of which table's controller an operation is for, and of the plain statuses: 404, 409, 412,
422, 428.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from backstay.controllers.http import respond
from backstay.controllers.resources.answers import checked_profile
from backstay.controllers.resources.listing import QUERY_SUFFIX
from backstay.controllers.resources.methods import allowed, require_method
from backstay.controllers.resources.operation import Answer, HttpOperation, Operation
from backstay.controllers.resources.rest import RestController
from backstay.controllers.resources.row_address import RowAddress, RowAddresses
from backstay.controllers.resources.table_controller import TableController
from backstay.errors import BackstayError
from backstay.services.resources.plans import Plans

ALLOWED = ("GET", "HEAD", "PATCH", "PUT", "DELETE", "OPTIONS")

# What a whole-table route answers with 400 is said with 422 here: the address is right, the values are not.
_UNPROCESSABLE = frozenset({"validation_failed", "PGRST204", "23502", "23514", "428C9", "22001", "22003"})


class ItemController:
    """Answers for every table's rows; table and key are the two segments after the prefix.

    Args:
        generic: answers for every table that has no controller of its own.
        own: by table.
        whole: answers long questions about a table, for which no row's address takes a POST.
    """

    def __init__(
        self,
        prefix: str,
        plans: Plans,
        addresses: RowAddresses,
        generic: TableController,
        own: Mapping[str, TableController],
        whole: RestController,
    ) -> None:
        self._start = len(prefix)
        self._plans = plans
        self._addresses = addresses
        self._generic = generic
        self._own = own
        self._whole = whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One operation."""
        operation = HttpOperation(scope, receive)
        answer = await self.answer(operation)
        await respond(send, answer.status, answer.headers, answer.body, head=operation.method == "HEAD")

    async def answer(self, operation: Operation) -> Answer:
        """One operation on a row, or a long question about the table."""
        method = operation.method
        table, _, key = operation.path[self._start :].partition("/")
        if method == "POST" and f"/{key}" == QUERY_SUFFIX:
            return await self._whole.query(operation, table)
        if method not in ALLOWED:
            raise BackstayError("PGRST117", f"Unsupported HTTP method: {method}", allow=ALLOWED)
        resource = self._plans.resource(operation.context, table)
        if method not in ("GET", "HEAD"):
            require_method(resource, method, ALLOWED, operation.context.caller)
        row = self._addresses.read(operation, resource, key)
        controller = self._own.get(table, self._generic)
        if method in ("GET", "HEAD"):
            return await controller.show(operation, row)
        if method == "DELETE":
            return await controller.remove(operation, row)
        if method == "OPTIONS":
            return self._options(operation, row)
        try:
            if method == "PATCH":
                return await controller.change(operation, row)
            return await controller.replace(operation, row)
        except BackstayError as error:
            if error.code not in _UNPROCESSABLE:
                raise
            message, details, hint = error.message, error.details, error.hint
            raise BackstayError("unprocessable", message, details=details, hint=hint) from error

    def _options(self, operation: Operation, row: RowAddress) -> Answer:
        methods = allowed(row.resource, ALLOWED, operation.context.caller)
        if operation.path.endswith(QUERY_SUFFIX) and "GET" in methods:
            methods.append("POST")
        profile = checked_profile(operation.headers.get(b"accept-profile"))
        return Answer(200, [(b"allow", ", ".join(methods).encode()), *profile])
