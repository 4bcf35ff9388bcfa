"""Actions under `/functions/v1` and `/rest/v1/rpc`: who may call them, with what, and what they leave behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from backstay.app import Backstay
from backstay.errors import BackstayError, ConfigurationError
from backstay.middleware.errors import ResponseAbortedError
from backstay.models.access.terms import caller
from backstay.services.action import action
from backstay.services.context import Context
from backstay.services.service import Service
from tests.api.answers import details_of, problem
from tests.api.business.orchard import CALLS, TREES_HEADERS, Sapling, Tree
from tests.api.harbour import Harbour
from tests.api.seed import ALICE
from tests.callers import CallerClient

FUNCTIONS, RPC = "/functions/v1", "/rest/v1/rpc"
DOORS = (FUNCTIONS, RPC)
NOWHERE = "00000000-0000-4000-8000-000000000001"


def plant(client: CallerClient, name: str, **more: Any) -> dict[str, Any]:
    response = client.post("/rest/v1/trees", {"name": name, **more}, headers=TREES_HEADERS)
    assert response.status_code == 201, response.text
    return dict(response.json()[0])


def journal(service: CallerClient) -> list[str]:
    return service.values("/rest/v1/journal?order=id", "words")


# Who may call what; everyone else is told what a wrong name is.
MAY: dict[str, tuple[str, ...]] = {
    "trees.fell": ("alice", "bob", "editor", "service"),
    "trees.named": ("anonymous", "publishable", "alice", "bob", "editor", "service"),
    "trees.count": ("editor", "service"),
    "prune": ("service",),
    "tools.echo": ("anonymous", "publishable", "alice", "bob", "editor", "service"),
    "tools.plain": (),
    "tools._hidden": (),
    "trees.before_create": (),
    "trees.prune_all": (),
    "tools.__init__": (),
    "ToolService.echo": (),
}
BODIES = {"trees.fell": {"tree_id": NOWHERE}, "trees.named": {"name": "x"}, "tools.echo": {"text": "x"}}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", MAY)
def test_each_action_exists_for_those_who_may_call_it(anyone: CallerClient, name: str, door: str) -> None:
    response = anyone.post(f"{door}/{name}", BODIES.get(name, {}))
    if anyone.name in MAY[name]:
        assert response.status_code in (200, 204) or response.json()["code"] == "row_not_found", response.text
        return
    unknown = anyone.post(f"{door}/zzzzzzzz", BODIES.get(name, {}))
    assert response.status_code == unknown.status_code == 404
    one, other = (
        problem(response, 404, response.json()["code"]),
        problem(unknown, 404, response.json()["code"]),
    )
    for key in ("message", "details"):
        assert str(one[key]).replace(name, "zzzzzzzz") == str(other[key])
    assert name not in str(one["hint"])


def test_a_permission_opens_what_requires_it(app: Harbour) -> None:
    token = app.app.tokens.mint(ALICE, permissions=["trees:prune"])
    gardener = CallerClient(
        "gardener", app.app, {"Authorization": f"Bearer {token}"}, app.run, app.note_change
    )
    assert gardener.post(f"{RPC}/prune", {}).status_code == 204
    assert gardener.post(f"{FUNCTIONS}/prune").status_code == 204


ECHO = {
    "text": "ä", "number": 2, "tags": ["a", "b"], "cost": "1.50", "moment": "2026-05-01T10:00:00Z",
    "point": {"x": 1, "y": 0.5},
}  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
def test_arguments_are_read_strictly_and_values_come_back_bare(anonymous: CallerClient, door: str) -> None:
    assert anonymous.post(f"{door}/tools.echo", ECHO).json() == ECHO
    least = anonymous.post(f"{door}/tools.echo", {"text": "x"})
    assert (least.json()["number"], least.headers["content-type"]) == (1, "application/json; charset=utf-8")
    bad = {"text": 1, "number": "2", "tags": [1], "cost": "x", "moment": 5, "point": {"x": "1", "z": 0}}
    document = problem(anonymous.post(f"{door}/tools.echo", bad), 400, "validation_failed")
    assert details_of(document).keys() == {"text", "number", "tags.0", "cost", "moment", "point.x"}
    for body in (
        b"[]",
        b"1",
        b"{",
        b'{"text":"a","text":"b"}',
        b'{"text":"\\ud800"}',
        b"\xff",
        b'{"text":NaN}',
    ):
        problem(anonymous.post(f"{door}/tools.echo", content=body), 400, "PGRST102")
    xml = {"Content-Type": "application/xml"}
    problem(anonymous.post(f"{door}/tools.echo", content=b"<a/>", headers=xml), 415, "unsupported_media_type")


@pytest.mark.parametrize("door", DOORS)
def test_a_body_that_is_no_object_is_the_one_argument_of_an_action(
    anonymous: CallerClient, alice: CallerClient, door: str
) -> None:
    alice.post("/rest/v1/trees", {"name": "elm"})
    assert alice.post(f"{door}/trees.named", content=b'"elm"').json()["name"] == "elm"
    assert anonymous.post(f"{door}/trees.named", content=b'"elm"').content == b"null"
    for body in (b"[]", b"1", b"null"):
        refused = problem(anonymous.post(f"{door}/trees.named", content=body), 400, "validation_failed")
        assert details_of(refused).keys() == {"name"}
    for body in (b'"x","name":"elm"', b'"\\ud800"', b"NaN", b'["a"'):
        problem(anonymous.post(f"{door}/trees.named", content=body), 400, "PGRST102")


def test_what_is_missing_or_unknown_is_said_in_the_words_of_the_door(anonymous: CallerClient) -> None:
    document = problem(
        anonymous.post(f"{FUNCTIONS}/tools.echo", {"self": 1, "ctx": {}}), 400, "validation_failed"
    )
    assert details_of(document) == {"text": "missing", "self": "extra_forbidden", "ctx": "extra_forbidden"}
    document = problem(anonymous.post(f"{RPC}/tools.echo", {"txt": "x"}), 404, "PGRST202")
    assert document["message"] == "Could not find the function public.tools.echo(txt) in the schema cache"
    assert document["hint"].startswith(
        "Perhaps you meant to call the function public.tools.echo(text, number"
    )
    document = problem(anonymous.post(f"{RPC}/tools.ech", {"text": "x"}), 404, "PGRST202")
    assert "tools.echo" in document["hint"]
    problem(anonymous.get(f"{RPC}/tools.add?numbers=1&who=eq.1"), 404, "PGRST202")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "query", ["numbers=1&numbers=2&scale=2", "numbers={1,2}&scale=2", "numbers=[1,2]&scale=2.0"]
)
def test_texts_of_a_query_string_are_read_as_what_the_arguments_are(
    anonymous: CallerClient, door: str, query: str
) -> None:
    assert anonymous.get(f"{door}/tools.add?{query}").json() == 6.0
    head = anonymous.head(f"{door}/tools.add?{query}")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "3")
    problem(anonymous.get(f"{door}/tools.add?numbers=x"), 400, "validation_failed")


def test_methods_are_those_that_were_declared(anonymous: CallerClient, alice: CallerClient) -> None:
    for name in ("tools.echo", "trees.named"):
        assert problem(anonymous.get(f"{FUNCTIONS}/{name}"), 405, "method_not_allowed")
        assert problem(anonymous.get(f"{RPC}/{name}?name=x"), 405, "PGRST101")
    assert anonymous.put(f"{FUNCTIONS}/tools.names").json() == ["a", "b"]
    problem(anonymous.post(f"{FUNCTIONS}/tools.names"), 405, "method_not_allowed")
    assert anonymous.post(f"{RPC}/tools.names").json() == ["a", "b"]
    problem(anonymous.put(f"{RPC}/tools.names"), 405, "PGRST101")
    assert anonymous.request("OPTIONS", f"{FUNCTIONS}/tools.add").headers["allow"] == "GET, HEAD, OPTIONS"
    assert anonymous.request("OPTIONS", f"{RPC}/tools.add").headers["allow"] == "GET, HEAD, POST, OPTIONS"
    for path in (f"{FUNCTIONS}/tools.echo/more", f"{FUNCTIONS}/", FUNCTIONS, f"{FUNCTIONS}/tools.echo/"):
        problem(anonymous.post(path, {"text": "x"}), 404, "not_found")
    problem(anonymous.post(f"{RPC}/tools.echo/more", {"text": "x"}), 404, "PGRST125")
    problem(anonymous.post(f"{RPC}/", {"text": "x"}), 404, "PGRST125")


@pytest.mark.parametrize("door", DOORS)
def test_what_only_reads_cannot_write(anonymous: CallerClient, service: CallerClient, door: str) -> None:
    problem(anonymous.get(f"{door}/tools.sneak"), 405, "25006")
    problem(anonymous.get(f"{door}/tools.sneak_by_session"), 405, "25006")
    problem(anonymous.post(f"{RPC}/tools.sneak"), 405, "25006")
    assert journal(service) == []


@pytest.mark.parametrize("door", DOORS)
def test_an_action_is_one_transaction(
    app: Harbour, anonymous: CallerClient, service: CallerClient, door: str
) -> None:
    address = f"{door}/tools.note"
    failed = anonymous.post(address, {"words": "x", "then": "fail"})
    problem(failed, 500, "internal_error")
    assert "secret" not in failed.text
    assert problem(anonymous.post(address, {"words": "x", "then": "refuse"}), 409, "too_tall")
    assert journal(service) == []

    async def leave() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anonymous.send("POST", address, json={"words": "x", "then": "wait"}), 0.1)

    app.run(leave())
    assert anonymous.post(address, {"words": "kept"}).status_code == 204
    assert journal(service) == ["kept"]


def test_refusals_of_ours_are_told_from_those_of_the_function(anonymous: CallerClient) -> None:
    note = f"{FUNCTIONS}/tools.note"
    for response in (anonymous.post(f"{FUNCTIONS}/nothing"), anonymous.get(note), anonymous.post(note, {})):
        assert response.headers["x-relay-error"] == "true"
    for body in ({"words": "x", "then": "refuse"}, {"words": "x", "then": "fail"}, {"words": "x"}):
        assert "x-relay-error" not in anonymous.post(note, body).headers


def test_rows_of_an_action_are_those_that_its_caller_may_see(
    alice: CallerClient, bob: CallerClient, anonymous: CallerClient, service: CallerClient
) -> None:
    (
        plant(alice, "a", height=1, public=True),
        plant(alice, "b", height=3),
        plant(bob, "c", height=2, public=True),
    )
    tallest = f"{RPC}/trees.tallest"
    assert service.values(tallest, "name") == ["b", "c", "a"]
    assert alice.values(tallest, "name") == ["b", "c", "a"]
    assert anonymous.values(tallest, "name") == ["c", "a"]
    assert "slug" not in anonymous.get(tallest).text
    assert anonymous.get(f"{FUNCTIONS}/trees.tallest?least=2").json() == anonymous.rows(f"{tallest}?least=2")
    assert anonymous.post(f"{RPC}/trees.named", {"name": "b"}).content == b"null"
    assert alice.post(f"{RPC}/trees.named", {"name": "b"}).json()["height"] == 3
    assert alice.post(f"{FUNCTIONS}/trees.named", {"name": "b"}).json()["height"] == 3
    problem(anonymous.get(f"{tallest}?slug=eq.x"), 400, "42703")
    problem(anonymous.get(f"{tallest}?select=slug"), 400, "42703")


def test_rows_of_an_action_take_the_grammar_of_a_read(alice: CallerClient, anonymous: CallerClient) -> None:
    for name, height in (("a", 1), ("b", 3), ("c", 2)):
        plant(alice, name, height=height, public=True)
    tallest = f"{RPC}/trees.tallest?least=1"
    assert anonymous.rows(f"{tallest}&select=called:name&limit=2") == [{"called": "b"}, {"called": "c"}]
    assert anonymous.values(f"{tallest}&order=name.desc", "name") == ["c", "b", "a"]
    assert anonymous.values(f"{tallest}&height=lt.3&name=neq.c", "name") == ["a"]
    assert anonymous.values(f"{tallest}&or=(name.eq.b,height.eq.1)&offset=1", "name") == ["a"]
    counted = anonymous.get(f"{tallest}&limit=1&offset=1", prefer="count=exact")
    assert (counted.status_code, counted.headers["content-range"]) == (206, "1-1/3")
    assert counted.headers["preference-applied"] == "count=exact"
    ranged = anonymous.get(tallest, headers={"Range": "0-1"})
    assert ranged.headers["content-range"] == "0-1/*"
    single = {"Accept": "application/vnd.pgrst.object+json"}
    assert anonymous.get(f"{tallest}&name=eq.c", headers=single).json()["height"] == 2
    problem(anonymous.get(tallest, headers=single), 406, "PGRST116")
    assert anonymous.get(f"{tallest}&select=name", headers={"Accept": "text/csv"}).text.split() == [
        "name",
        "b",
        "c",
        "a",
    ]
    posted = anonymous.post(f"{RPC}/trees.tallest?select=name&limit=1", {"least": 2})
    assert posted.json() == [{"name": "b"}]
    problem(anonymous.post(f"{RPC}/tools.echo?select=text", {"text": "x"}), 400, "PGRST100")
    strict = "handling=strict,max-affected="
    assert anonymous.get(tallest, prefer=f"{strict}3").status_code == 200
    problem(anonymous.get(tallest, prefer=f"{strict}2"), 400, "PGRST124")
    problem(anonymous.post(f"{RPC}/tools.names", prefer=f"{strict}2"), 400, "PGRST128")
    problem(anonymous.post(f"{RPC}/trees.named", {"name": "b"}, prefer=f"{strict}2"), 400, "PGRST128")


@pytest.mark.parametrize("door", DOORS)
def test_actions_write_as_their_caller_and_run_hooks(
    alice: CallerClient, bob: CallerClient, door: str
) -> None:
    tree = plant(alice, "oak", public=True, planted="2026-05-01")
    CALLS.clear()
    fell = f"{door}/trees.fell"
    problem(bob.post(fell, {"tree_id": tree["id"]}), 403, "42501")
    problem(alice.post(fell, {"tree_id": NOWHERE}), 404, "row_not_found")
    problem(alice.post(fell, {"tree_id": tree["id"]}), 400, "validation_failed")
    done = alice.post(fell, {"tree_id": tree["id"], "on": "2026-06-01"})
    assert done.json() == tree | {"felled": "2026-06-01"}
    assert CALLS[-1] == "after_update oak -> oak"
    # Nothing is done for whom the answer cannot be formed.
    problem(
        alice.post(f"{RPC}/trees.fell?select=nope", {"tree_id": tree["id"], "on": "2026-07-01"}), 400, "42703"
    )
    assert alice.values("/rest/v1/trees", "felled") == ["2026-06-01"]


def multipart(*parts: tuple[str, bytes]) -> dict[str, Any]:
    body = b"".join(b"--x\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n" for head, content in parts)
    return {"content": body + b"--x--\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}


FILE = 'Content-Disposition: form-data; name="file"; filename="a \\"b\\".txt"\r\nContent-Type: text/plain'


@pytest.mark.parametrize("door", DOORS)
def test_forms_texts_and_bytes_are_arguments_too(anonymous: CallerClient, door: str) -> None:
    def send(name: str, media_type: str, content: bytes) -> Any:
        return anonymous.post(f"{door}/{name}", content=content, headers={"Content-Type": media_type})

    form = send(
        "tools.echo", "application/x-www-form-urlencoded", b"text=5&number=5&tags=%7Ba,b%7D&cost=1.50"
    )
    assert (form.json()["text"], form.json()["number"], form.json()["tags"]) == ("5", 5, ["a", "b"])
    note = ('Content-Disposition: form-data; name="note"', "ü".encode())
    kept = anonymous.post(f"{door}/tools.keep", **multipart((FILE, b"\r\n--y\x00"), note))
    assert kept.json() == {"size": 6, "name": 'a "b".txt', "type": "text/plain", "note": "ü"}
    assert send("tools.weigh", "application/octet-stream", b"\x00\xff").json() == 2
    assert send("tools.keep", "image/png", b"123").json()["type"] == "image/png"
    assert send("tools.picture", "text/plain", b"x").status_code == 415
    for bad in (
        multipart(note),
        multipart((FILE, b""), (FILE, b"")),
        multipart(('Content-Disposition: form-data; name="note"; filename="x"', b""), (FILE, b"")),
        {**multipart((FILE, b"x")), "content": b"--x\r\nno end"},
        {**multipart((FILE, b"x")), "headers": {"Content-Type": "multipart/form-data"}},
        multipart(*[note] * 101),
        multipart(("Content-Disposition: form-data", b"")),
        multipart((FILE, b"x"), ('Content-Disposition: form-data; name="note"', b"\xff")),
    ):
        assert anonymous.post(f"{door}/tools.keep", **bad).status_code in (400, 404), bad


def test_files_and_events_cannot_smuggle_headers_or_fields(anonymous: CallerClient) -> None:
    name = 'a"\r\nSet-Cookie: x=1\r\n/../ü;%.png'
    response = anonymous.post(f"{FUNCTIONS}/tools.picture", {"name": name})
    assert response.content == b"\x89PNG"
    assert response.headers["content-type"] == "image/png"
    disposition = response.headers["content-disposition"]
    assert disposition.startswith(
        'attachment; filename="a___Set-Cookie: x=1___..___.png"'.replace("___.png", "")[:30]
    )
    assert "set-cookie" not in response.headers
    assert "/" not in disposition
    assert "%C3%BC" in disposition
    for media_type in ("text/html\r\nSet-Cookie: x=1", "nothing", "a/b; c"):
        problem(
            anonymous.post(f"{FUNCTIONS}/tools.picture", {"name": "x", "media_type": media_type}),
            500, "internal_error",
        )  # fmt: skip
    events = anonymous.post(f"{FUNCTIONS}/tools.ticks", {"words": "one\r\ntwo\nid: 3"})
    assert events.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert events.text == ('event: tickid: 9\nid: 1\ndata: one\ndata: two\ndata: id: 3\n\ndata: {"n": 2}\n\n')


def test_a_stream_keeps_what_came_before_it_and_is_cut_when_it_fails(
    anonymous: CallerClient, service: CallerClient
) -> None:
    response = anonymous.post(f"{FUNCTIONS}/tools.lines", {"count": 3})
    assert (response.text, response.headers["content-type"]) == ("0\n1\n2\n", "text/plain; charset=utf-8")
    assert "content-length" not in response.headers
    assert journal(service) == ["before the stream"]
    first = anonymous.post(f"{FUNCTIONS}/tools.lines", {"count": 3, "fail_at": 0})
    assert "secret" not in problem(first, 500, "internal_error")["message"]
    with pytest.raises(ResponseAbortedError):
        anonymous.post(f"{FUNCTIONS}/tools.lines", {"count": 3, "fail_at": 2})
    assert CALLS.count("stream ended") == 3


def test_a_stream_ends_when_its_client_leaves(app: Harbour) -> None:
    async def leave() -> None:
        left = asyncio.Event()
        sent: list[Any] = []
        body = [{"type": "http.request", "body": b'{"count":1000000}', "more_body": False}]

        async def receive() -> Any:
            if body:
                return body.pop()
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)
            if len(sent) == 5:
                left.set()

        scope = {
            "type": "http", "method": "POST", "path": "/functions/v1/tools.lines", "query_string": b"",
            "raw_path": b"/functions/v1/tools.lines", "http_version": "1.1", "scheme": "http",
            "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "asgi": {"version": "3.0"}, "root_path": "",
        }  # fmt: skip
        await asyncio.wait_for(app.app(scope, receive, send), 5)
        assert len(sent) < 50

    app.note_change()
    app.run(leave())
    assert CALLS == ["stream ended"]


def test_actions_that_cannot_be_served_safely_are_refused_at_start() -> None:
    class Bad(Service):
        @action()
        async def unruled(self, ctx: Context) -> None: ...

        @action(rule=Tree.public.is_(True))
        async def by_row(self, ctx: Context) -> None: ...

        @action(rule=caller.id == ALICE)
        async def by_value(self, ctx: Context) -> None: ...

        @action(rule=True)
        async def untyped(self, ctx: Context, what) -> None: ...  # type: ignore[no-untyped-def]

        @action(rule=True)
        async def many(self, ctx: Context, *what: int) -> None: ...

        @action(rule=True)
        async def silent(self, ctx: Context): ...  # type: ignore[no-untyped-def]

        @action(rule=True, name="../x")
        async def path(self, ctx: Context) -> None: ...

        @action(rule=True, name="same")
        async def one(self, ctx: Context) -> None: ...

        @action(rule=True, name="same")
        async def other(self, ctx: Context) -> None: ...

        @action(rule=True)  # type: ignore[type-var]
        def slow(self, ctx: Context) -> None: ...

    with pytest.raises(ConfigurationError) as raised:
        Backstay(models=[Tree, Sapling], services=[Bad])
    named = [problem.partition(":")[0].removeprefix("Bad.") for problem in raised.value.problems]
    assert named == ["unruled", "by_row", "by_value", "untyped", "many", "silent", "path", "other", "slow"]


def test_actions_are_described_and_listed_with_their_rules(app: Harbour, anonymous: CallerClient) -> None:
    document = anonymous.get("/openapi.json").json()
    OpenAPIV31SpecValidator(document).validate()
    fell = document["paths"]["/functions/v1/trees.fell"]["post"]
    schema = fell["requestBody"]["content"]["application/json"]["schema"]
    assert (schema["required"], schema["additionalProperties"]) == (["tree_id"], False)
    assert fell["security"] == [{"bearer": []}, {"apikey": []}]
    assert {"get", "post"} == set(document["paths"]["/rest/v1/rpc/tools.add"])
    lines = {(line.method, line.path): (line.rule, line.public) for line in app.app.routes()}
    assert lines["POST", "/functions/v1/trees.fell"] == ("caller.is_authenticated", False)
    assert lines["GET", "/rest/v1/rpc/tools.add"] == ("everyone", True)
    assert lines["POST", "/rest/v1/rpc/trees.count"][1] is False


def test_the_applications_own_middleware_stands_behind_the_guard_and_around_every_route(app: Harbour) -> None:
    seen: list[str] = []

    class Stamp:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            seen.append(f"{scope['path']} {scope['state']['backstay.context'].caller.role}")
            if scope["path"] == "/teapot":
                raise BackstayError("P0001", "short and stout")
            await self.inner(scope, receive, send)

    own = Backstay(
        settings=app.app.settings, models=[Tree], services=[], project=app.app.project, middleware=[Stamp]
    )
    client = CallerClient("anonymous", own, {}, app.run, app.note_change)
    assert client.get("/health/live").status_code == 200
    problem(client.get("/teapot"), 400, "P0001")
    problem(client.get("/a%00b"), 400, "bad_path")
    problem(client.get("/x", headers={"Authorization": "Bearer x.y.z"}), 401, "PGRST301")
    assert seen == ["/health/live anon", "/teapot anon"]
