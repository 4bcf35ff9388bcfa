"""`/graphql/v1`: the generated API in GraphQL.

In charge of one request: which document, whose schema, which operation, and the status and media type of the answer.
What is wrong with a request is answered with `errors` and without `data`: 400, or 200 for clients of the older media
type, as GraphQL over HTTP asks. What fails when it is executed has `data: null` and is 200.
"""

from __future__ import annotations

from typing import Any

from graphql import OperationType
from starlette.types import Receive, Scope, Send

from backstay.config.graphql import GraphQLSettings
from backstay.controllers.http import Header, HttpRequest, respond
from backstay.controllers.resources.graphql.answers import FAULTS, RefusedError, failed, written
from backstay.controllers.resources.graphql.documents import Documents
from backstay.controllers.resources.graphql.known import KnownDocuments
from backstay.controllers.resources.graphql.operation import Operations
from backstay.controllers.resources.graphql.places import CallersCursors
from backstay.controllers.resources.graphql.protocol import (
    JSON,
    Parameters,
    media_type,
    read_parameters,
)
from backstay.controllers.resources.graphql.schemas import Schemas
from backstay.errors import BackstayError, Kind
from backstay.services.resources.cursors import Cursors
from backstay.utils.stages import mark

METHODS = ("GET", "POST")
VARY: Header = (b"vary", b"Accept, Authorization")
# A request that is not well-formed is 400 for every client; so is one for a document that is not known by its hash,
# except that its clients go on after a 200.
_ALWAYS_OK = frozenset({"persisted_query_not_found"})
_TRANSPORT = frozenset({"bad_request", "graphql_batch", "PGRST102", "unprocessable"})
_OF_HTTP = frozenset({Kind.METHOD, Kind.MEDIA_TYPE, Kind.UNACCEPTABLE, *FAULTS})


class GraphQLController:
    """Answers at one address."""

    def __init__(
        self,
        settings: GraphQLSettings,
        schemas: Schemas,
        documents: Documents,
        known: KnownDocuments,
        operations: Operations,
        cursors: Cursors,
    ) -> None:
        self._settings = settings
        self._schemas = schemas
        self._documents = documents
        self._known = known
        self._operations = operations
        self._cursors = cursors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        request = HttpRequest(scope, receive)
        if request.method not in METHODS:
            raise BackstayError("method_not_allowed", allow=METHODS)
        media = media_type(request.headers.get(b"accept"))
        status, answer = 200, {}
        try:
            parameters = await read_parameters(request, self._settings)
            answer = await self._answer(request, parameters)
        except RefusedError as error:
            status, answer = (200 if media == JSON else 400), {"errors": error.entries}
        except BackstayError as error:
            if error.kind in _OF_HTTP:
                raise
            is_old = media == JSON and error.code not in _TRANSPORT
            status = 200 if is_old or error.code in _ALWAYS_OK else 400
            answer = {"errors": [failed(error)]}
        headers: list[Header] = [(b"content-type", f"{media}; charset=utf-8".encode()), VARY]
        await respond(send, status, headers, written(answer))

    async def _answer(self, request: HttpRequest, parameters: Parameters) -> dict[str, Any]:
        caller = request.context.caller
        text = self._known.text(parameters.query, parameters.extensions)
        document = self._documents.read(text)
        operation = document.operation(parameters.operation)
        if operation.operation is not OperationType.QUERY and request.method == "GET":
            raise BackstayError("method_not_allowed", "A mutation is sent by POST.", allow=("POST",))
        schema, kind = self._schemas.of(caller), self._schemas.kind(caller)
        self._documents.validate(text, document, schema, kind)
        self._known.register(text, parameters.extensions)
        mark(request.state, "parse")
        answer = await self._operations.run(
            request.context,
            schema,
            document,
            operation,
            parameters.variables,
            CallersCursors(self._cursors, caller, kind),
        )
        mark(request.state, "database")
        return answer
