"""Endpoints of the platform that take and give JSON: one table says path, guard, body and handler of each.

In charge of finding the line of a request, of refusing who may not pass, and of reading query and body strictly: a
value of the wrong type is never turned into one of the right type, and nothing is read twice. What an endpoint does
is its handler's.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.types import Receive, Scope, Send

from backstay.controllers.http import Header, HttpRequest, respond
from backstay.errors import BackstayError, FieldProblem
from backstay.models.access.caller import Caller
from backstay.services.auth.guards import Guard
from backstay.services.context import Context
from backstay.utils.json_text import has_surrogates, loads

MAX_QUERY_FIELDS = 50
_JSON: Header = (b"content-type", b"application/json; charset=utf-8")
# Whatever it is, it is about one caller.
_PRIVATE: Header = (b"cache-control", b"no-store")


class Body(BaseModel):
    """Base of request bodies. Members that nobody reads are left alone: clients send some of their own."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Nothing: what clients send is secret as often as not."""
        return ()


class Empty(Body):
    """The body of an endpoint that takes none."""


B = TypeVar("B", bound=BaseModel)


class Ask(Generic[B]):
    """One request, read.

    Attributes:
        path: the values of the path's `{names}`.
        query: each name once.
    """

    __slots__ = ("body", "http", "path", "query")

    def __init__(self, http: HttpRequest, path: Mapping[str, str], query: Mapping[str, str], body: B) -> None:
        self.http = http
        self.path = path
        self.query = query
        self.body = body

    @property
    def context(self) -> Context:
        """Who asks, and under which request id."""
        return self.http.context

    @property
    def caller(self) -> Caller:
        """Who asks."""
        return self.http.context.caller

    def header(self, name: bytes) -> str:
        """A header by its lower-case name; empty when it was not sent."""
        return self.http.headers.get(name, b"").decode("latin-1")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handler answers: a JSON document, bytes with their own content type, or nothing.

    Attributes:
        document: a JSON-ready value; None for no body, unless `body` is given.
    """

    document: Any = None
    status: int = 200
    headers: tuple[Header, ...] = ()
    body: bytes | None = None


Handler = Callable[[Ask[Any]], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One line of the table.

    Attributes:
        path: segments, of which those in braces stand for any one value.
        body: None when it takes no body.
        query: names of the query parameters that it reads.
        answer: the status of success.
        form: its body is an urlencoded form instead of JSON: for what a provider makes a browser post.
        uses: whether a GET uses something up; it has no HEAD then, which mail scanners send to every link.
    """

    method: str
    path: str
    handle: Handler
    guard: Guard
    summary: str
    body: type[BaseModel] | None = None
    query: tuple[str, ...] = ()
    answer: str = "200"
    form: bool = False
    uses: bool = False


@dataclass(slots=True)
class _Node:
    """A place in the tree of paths."""

    fixed: dict[str, _Node] = field(default_factory=dict)
    any: _Node | None = None
    name: str = ""
    methods: dict[str, Endpoint] = field(default_factory=dict)


class Endpoints:
    """Serves a table. Pure ASGI.

    Raises:
        ValueError: two lines say the same address, at once when the table is read.
    """

    def __init__(self, table: Sequence[Endpoint]) -> None:
        self.table = tuple(table)
        self._root = _Node()
        for endpoint in table:
            node = _place(self._root, endpoint.path)
            if endpoint.method in node.methods:
                raise ValueError(f"{endpoint.method} {endpoint.path} is there twice")
            node.methods[endpoint.method] = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        request = HttpRequest(scope, receive)
        methods, values = self._find(request.path)
        head = request.method == "HEAD"
        endpoint = methods.get("GET" if head else request.method)
        if endpoint is None or (head and endpoint.uses):
            raise BackstayError("method_not_allowed", allow=_allowed(methods))
        endpoint.guard.refuse(request.context.caller)
        query = read_query(request.query)
        body = await _body(request, endpoint)
        reply = await endpoint.handle(Ask(request, values, query, body))
        await _send(reply, send, head=head)

    def _find(self, path: str) -> tuple[Mapping[str, Endpoint], dict[str, str]]:
        node, values = self._root, {}
        for segment in path.split("/")[1:]:
            inner = node.fixed.get(segment)
            if inner is None:
                inner = node.any
                if inner is None or not segment:
                    raise BackstayError("not_found")
                values[inner.name] = segment
            node = inner
        if not node.methods:
            raise BackstayError("not_found")
        return node.methods, values


def _place(root: _Node, path: str) -> _Node:
    node = root
    for segment in path.split("/")[1:]:
        if segment.startswith("{"):
            if node.any is None:
                node.any = _Node(name=segment.strip("{}"))
            node = node.any
        else:
            node = node.fixed.setdefault(segment, _Node())
    return node


def _allowed(methods: Mapping[str, Endpoint]) -> tuple[str, ...]:
    get = methods.get("GET")
    return (*methods, "HEAD") if get is not None and not get.uses else tuple(methods)


def read_query(query: bytes) -> dict[str, str]:
    """The fields of a query string, or of an urlencoded form, each at most once.

    Raises:
        BackstayError: `validation_failed`.
    """
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS, errors="strict"
        )
    except ValueError:
        raise BackstayError("validation_failed", "The query string is malformed.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BackstayError("validation_failed", "A query parameter was sent more than once.")
    return fields


async def _body(request: HttpRequest, endpoint: Endpoint) -> BaseModel:
    if endpoint.body is None:
        return Empty()
    if not endpoint.form:
        return await read_body(request, endpoint.body)
    if _media_type(request) != b"application/x-www-form-urlencoded":
        raise BackstayError("unsupported_media_type", "The body must be application/x-www-form-urlencoded.")
    return checked(json.dumps(read_query(await request.body())).encode(), endpoint.body)


def _media_type(request: HttpRequest) -> bytes:
    return request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()


async def read_body(request: HttpRequest, model: type[B]) -> B:
    """The body as that model; an absent one counts as an empty object.

    Raises:
        BackstayError: `unsupported_media_type`, `bad_json`, or `validation_failed` with a problem for each value.
    """
    raw = await request.body()
    # Also what makes another site's form useless: a browser asks first before it sends JSON elsewhere.
    if raw and _media_type(request) != b"application/json":
        raise BackstayError("unsupported_media_type", "The body must be application/json.")
    return checked(raw or b"{}", model)


def checked(raw: bytes, model: type[B]) -> B:
    """JSON text as that model.

    Raises:
        BackstayError: `bad_json` or `validation_failed`.
    """
    try:
        text = raw.decode("utf-8")
        value = loads(text)
        # After the escapes have been read; pydantic would carry them along.
        if not isinstance(value, dict) or ("\\u" in text and _has_bad_text(value)):
            raise ValueError
    except ValueError:
        raise BackstayError("bad_json") from None
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        problems = [
            FieldProblem(".".join(map(str, found["loc"])), found["type"], found["msg"])
            for found in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        first = problems[0]
        raise BackstayError("validation_failed", f"{first.path}: {first.message}", details=problems) from None


def _has_bad_text(value: Any) -> bool:
    if isinstance(value, str):
        return has_surrogates(value)
    if isinstance(value, dict):
        return any(_has_bad_text(key) or _has_bad_text(item) for key, item in value.items())
    return isinstance(value, list) and any(_has_bad_text(item) for item in value)


async def _send(reply: Reply, send: Send, *, head: bool) -> None:
    headers = list(reply.headers)
    names = {name for name, _ in headers}
    if b"cache-control" not in names:
        headers.append(_PRIVATE)
    body = reply.body
    if body is None and reply.document is not None:
        headers.append(_JSON)
        body = json.dumps(reply.document, ensure_ascii=False, separators=(",", ":")).encode()
    await respond(send, reply.status, headers, body or b"", head=head)
