"""`POST /rest/v1/$batch`: many operations in one transaction. docs/decisions/0032-batches.md has its form.

In charge of reading operations and of rendering their answers. Each is the very operation that its method and path are
alone: the same controller answers it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.types import Receive, Scope, Send

from backstay.config.rest import RestSettings
from backstay.controllers.action_bodies import is_json
from backstay.controllers.http import Header, respond
from backstay.controllers.resources.item import ItemController
from backstay.controllers.resources.media import BodyForm, body_form
from backstay.controllers.resources.operation import Answer, HttpOperation
from backstay.controllers.resources.prefer import PreferParser, applied_header
from backstay.controllers.resources.rest import RestController
from backstay.controllers.resources.rpc import RpcController
from backstay.errors import BackstayError, FieldProblem
from backstay.repositories.database.sessions import Session
from backstay.services.context import Context
from backstay.services.resources.batch import Batches
from backstay.utils.json_text import canonical

ALLOWED = ("POST", "OPTIONS")
NAME = "$batch"
# No row of a table of this name has an address: that is where actions are.
RPC = "rpc"

_READS = frozenset({"GET", "HEAD"})
_METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE")
_KEYS = frozenset({"method", "path", "headers", "body"})
# Who asks is the same for all operations: one that says otherwise is refused, not done as somebody else.
_CREDENTIALS = frozenset({b"authorization", b"apikey", b"cookie"})
# What a server lets in as the target of a request of its own (RFC 3986).
_TARGET = re.compile(r"[\x21\x24-\x5b\x5d-\x7e]+(\?[\x21\x24-\x7e]*)?", re.ASCII)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_JSON = (b"content-type", b"application/json; charset=utf-8")
# Of the one answer that there is, not of those in it.
_LEFT_OUT = frozenset({b"vary", b"cache-control"})


class BatchController:
    """Answers for `$batch`, with the controllers of tables, rows and actions."""

    def __init__(
        self,
        prefix: str,
        tables: RestController,
        rows: ItemController,
        actions: RpcController,
        batches: Batches,
        settings: RestSettings,
    ) -> None:
        self._prefix = prefix
        self._tables = tables
        self._rows = rows
        self._actions = actions
        self._batches = batches
        self._may_undo = settings.tx_override
        self._preferences = PreferParser()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One batch."""
        request = HttpOperation(scope, receive)
        if request.method == "OPTIONS":
            await respond(send, 200, [(b"allow", ", ".join(ALLOWED).encode())])
            return
        if request.method != "POST":
            raise BackstayError("PGRST117", f"Unsupported HTTP method: {request.method}", allow=ALLOWED)
        if body_form(request.headers.get(b"content-type")) is not BodyForm.JSON:
            raise BackstayError("unsupported_media_type", details="A batch is JSON.")
        preferences = self._preferences.parse(request.values(b"prefer"))
        operations = self._read(request, await request.document())
        answers = await self._batches.run(
            request.context,
            [partial(self._answer, operation) for operation in operations],
            reading=all(operation.method in _READS for operation in operations),
            undone=self._may_undo and preferences.tx == "rollback",
        )
        headers: list[Header] = [_JSON]
        applied = applied_header(preferences, ("handling", "tx") if self._may_undo else ("handling",))
        if applied is not None:
            headers.append((b"preference-applied", applied.encode()))
        results = [
            _rendered(operation, answer) for operation, answer in zip(operations, answers, strict=True)
        ]
        await respond(send, 200, headers, b'{"results":[' + b",".join(results) + b"]}")

    def _read(self, request: HttpOperation, document: Any) -> list[BatchedOperation]:
        """The operations of a body.

        Raises:
            BackstayError: `validation_failed` with what is wrong with which.
        """
        operations = document.get("operations") if isinstance(document, dict) else None
        if not isinstance(operations, list) or not operations or len(document) != 1:
            problem = FieldProblem("operations", "required", "must be a list of operations, and all there is")
            raise BackstayError("validation_failed", details=[problem])
        read = []
        problems: list[FieldProblem] = []
        for number, operation in enumerate(operations):
            try:
                read.append(BatchedOperation(self._prefix, request, operation))
            except _BadOperationError as bad:
                problems.append(FieldProblem(f"operations.{number}{bad.place}", bad.code, bad.message))
        if problems:
            raise BackstayError("validation_failed", details=problems[:100])
        return read

    async def _answer(self, operation: BatchedOperation, session: Session) -> Answer:
        operation.session = session
        segments = operation.path.removeprefix(self._prefix).split("/")
        if segments[0] in ("", NAME) or len(segments) > 2 or not segments[-1]:
            raise BackstayError("PGRST125")
        if len(segments) == 1:
            return await self._tables.answer(operation)
        if segments[0] == RPC:
            return await self._actions.answer(operation)
        return await self._rows.answer(operation)


class _BadOperationError(Exception):
    """What is wrong with an operation, and where in it."""

    def __init__(self, place: str, code: str, message: str) -> None:
        self.place = place
        self.code = code
        self.message = message


class BatchedOperation:
    """One operation of a batch.

    Raises:
        _BadOperationError: it is none.
    """

    def __init__(self, prefix: str, request: HttpOperation, operation: Any) -> None:
        if not isinstance(operation, dict):
            raise _BadOperationError("", "type", "must be an object")
        for name in operation:
            if name not in _KEYS:
                raise _BadOperationError(f".{name}", "unknown", "is not part of an operation")
        self.context: Context = request.context
        self.state: Mapping[str, Any] = request.state
        self.session: Session | None = None
        self.method = _method(operation.get("method"))
        self.path, self.query = _target(prefix, operation.get("path"))
        self.headers = _headers(operation.get("headers", {}))
        self._document: Any = operation.get("body")
        self._has_body = "body" in operation
        if self._has_body:
            self.headers.setdefault(b"content-type", b"application/json")

    def values(self, name: bytes) -> tuple[bytes, ...]:
        """The header of that lower-case name as the only value of a list, or an empty list."""
        value = self.headers.get(name)
        return () if value is None else (value,)

    async def body(self) -> bytes:
        """The body of a form or of CSV, which is text; or that of an action, as the JSON that it is."""
        if self._has_body and is_json(self.headers[b"content-type"]):
            return canonical(self._document).encode()
        if self._has_body and not isinstance(self._document, str):
            raise BackstayError("PGRST102", details="A body that is no JSON is the text of it.")
        return (self._document or "").encode()

    async def document(self) -> Any:
        """The body, which the batch has as JSON."""
        if not self._has_body:
            raise BackstayError("PGRST102", details="The body is empty.")
        return self._document


def _method(method: Any) -> str:
    if method not in _METHODS:
        raise _BadOperationError(".method", "enum", "must be one of " + ", ".join(_METHODS))
    return str(method)


def _target(prefix: str, target: Any) -> tuple[str, bytes]:
    """The path, whole and decoded once, and the query string: both as a server would have passed them on."""
    if not isinstance(target, str) or not _TARGET.fullmatch(target) or _BAD_ESCAPE.search(target):
        raise _BadOperationError(".path", "format", "must be a path, as in an address")
    path, _, query = target.partition("?")
    try:
        decoded = unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        raise _BadOperationError(".path", "format", "must be UTF-8") from None
    whole = decoded if decoded.startswith("/") else prefix + decoded
    if not whole.startswith(prefix):
        raise _BadOperationError(".path", "format", f"must begin with {prefix}, or be relative to it")
    return whole, query.encode()


def _headers(headers: Any) -> dict[bytes, bytes]:
    if not isinstance(headers, dict):
        raise _BadOperationError(".headers", "type", "must be an object")
    read: dict[bytes, bytes] = {}
    for name, value in headers.items():
        place = f".headers.{name}"
        if (
            not _HEADER_NAME.fullmatch(name)
            or not isinstance(value, str)
            or not _HEADER_VALUE.fullmatch(value)
        ):
            raise _BadOperationError(place, "format", "must be a header and its text")
        key = name.lower().encode()
        if key in _CREDENTIALS:
            raise _BadOperationError(place, "unknown", "all operations are the caller's of the batch")
        if key in read:
            raise _BadOperationError(place, "repeated", "is there twice")
        read[key] = value.encode()
    return read


def _rendered(operation: BatchedOperation, answer: Answer) -> bytes:
    headers = {name.decode(): value.decode() for name, value in answer.headers if name not in _LEFT_OUT}
    body = answer.body
    if not body or operation.method == "HEAD":
        body = b"null"
    elif not headers.get("content-type", "").partition(";")[0].endswith("json"):
        body = json.dumps(body.decode(), ensure_ascii=False).encode()
    shown = json.dumps(headers, ensure_ascii=False).encode()
    return b'{"status":%d,"headers":%s,"body":%s}' % (answer.status, shown, body)
