"""`$batch`: each operation does and answers what it does alone, and all of them are kept or none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from tests.api.answers import problem
from tests.api.harbour import Harbour
from tests.callers import CallerClient

BATCH = "/rest/v1/$batch"
SHIPS = "/rest/v1/ships"
_OF_THE_BATCH = ("vary", "cache-control", "content-length")


def operation(method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    made: dict[str, Any] = {"method": method, "path": path}
    if body is not None:
        made["body"] = body
    if headers:
        made["headers"] = {name.replace("_", "-"): value for name, value in headers.items()}
    return made


def results(client: CallerClient, *operations: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    response = client.post(BATCH, {"operations": operations}, **options)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["results"]
    return found


# Each leaves the rows as a test finds them, so that it can be done alone and again in a batch.
ALONE = (
    operation("GET", "ports?select=code,nations(name)&order=name.desc&limit=2"),
    operation("GET", "/rest/v1/ports/DEHAM?select=code"),
    operation("HEAD", "ports?limit=1", Prefer="count=exact"),
    operation("GET", "ports?select=code,name&limit=2", Accept="text/csv"),
    operation("GET", "ports?limit=1&offset=1", Prefer="count=exact", Range="0-4"),
    operation("GET", "ports/DEHAM?select=code", If_None_Match="*"),
    operation("POST", "ports/query", "select=code&depth=gt.15", Content_Type="application/x-www-form-urlencoded"),
    operation("POST", "ships", [{"name": "X", "tons": 1}, {"name": "Y", "tons": 2}], Prefer="return=representation"),
    operation("POST", "ships?select=name", {"name": "Z", "rating": 5}, Prefer="return=representation, count=exact"),
    operation("POST", "ships", "name,tons\nCsv,7", Content_Type="text/csv", Prefer="return=headers-only"),
    operation("POST", "nations", {"code": "DE", "name": "D"}, Prefer="resolution=merge-duplicates"),
    operation("PATCH", "ships?name=eq.Anna", {"tons": 11}, Prefer="return=representation"),
    operation("PATCH", "ships/1?select=name,tons", {"tons": 12}),
    operation("PUT", "nations/QQ", {"name": "Nowhere"}, If_None_Match="*"),
    operation("PUT", "nations/DE", {"name": "D"}, Prefer="return=minimal"),
    operation("DELETE", "ships?id=eq.4", Prefer="return=representation"),
    operation("DELETE", "papers/1"),
    operation("PATCH", "ships?id=eq.99", {"tons": 1}),
)  # fmt: skip


@pytest.mark.parametrize("number", range(len(ALONE)))
def test_an_operation_of_a_batch_answers_what_it_answers_alone(
    app: Harbour, editor: CallerClient, number: int
) -> None:
    asked = ALONE[number]
    [batched] = results(editor, asked)
    app.reset()
    path = asked["path"] if asked["path"].startswith("/") else f"/rest/v1/{asked['path']}"
    body = asked.get("body")
    content = body.encode() if isinstance(body, str) else None
    alone = editor.request(
        asked["method"], path, json=body, content=content, headers=asked.get("headers", {})
    )
    assert batched["status"] == alone.status_code
    shown = {name: value for name, value in alone.headers.items() if name in batched["headers"]}
    if "location" in shown:
        assert batched["headers"].pop("location")[:20] == shown.pop("location")[:20]
    assert batched["headers"] == shown
    if not alone.content:
        assert batched["body"] is None
    elif "json" in alone.headers["content-type"]:
        assert _without_ids(batched["body"]) == _without_ids(alone.json())
    else:
        assert batched["body"] == alone.text


def _without_ids(body: Any) -> Any:
    """The numbers that the database gives are others the second time."""
    return [{**row, "id": 0} if "id" in row else row for row in body] if isinstance(body, list) else body


def test_each_sees_what_those_before_it_did_and_nobody_else_does_before_the_end(
    editor: CallerClient, anonymous: CallerClient
) -> None:
    found = results(
        editor,
        operation("POST", "nations", {"code": "ZZ", "name": "Zed"}),
        operation("POST", "ports", {"code": "ZZPRT", "name": "Port", "nation_code": "ZZ"}),
        operation("PATCH", "ports?code=eq.ZZPRT", {"depth": 3}),
        operation("GET", "nations/ZZ?select=name,ports(code,depth)"),
        operation("DELETE", "ports?code=eq.ZZPRT"),
    )
    assert [each["status"] for each in found] == [201, 201, 204, 200, 204]
    assert found[3]["body"] == {"name": "Zed", "ports": [{"code": "ZZPRT", "depth": 3}]}
    assert found[0]["body"] is None
    assert anonymous.values("/rest/v1/nations?code=eq.ZZ&select=*,ports(code)", "ports") == [[]]


@pytest.mark.parametrize(
    ("bad", "status", "code"),
    [
        (operation("POST", "ships", {"name": "Anna"}), 409, "23505"),
        (operation("POST", "ships", {"name": "new", "home_code": "NOPE"}), 409, "23503"),
        (operation("POST", "ships", {"name": 7}), 400, "validation_failed"),
        (operation("PATCH", "ships/2", {"rating": 9}), 422, "unprocessable"),
        (operation("PATCH", "ships/99", {"tons": 9}), 404, "row_not_found"),
        (operation("PATCH", "ships/2", {"tons": 9}, If_Match='"stale"'), 412, "precondition_failed"),
        (operation("PUT", "nations/DE", {"name": "x"}, If_None_Match="*"), 412, "precondition_failed"),
        (operation("DELETE", "ships"), 400, "21000"),
        (operation("GET", "vaults"), 404, "PGRST205"),
        (operation("GET", "ports?earnin=eq.1"), 400, "42703"),
        (operation("GET", "ports", Accept="image/png"), 406, "PGRST107"),
        (operation("POST", "$batch", {"operations": []}), 404, "PGRST125"),
        (operation("GET", "ports/a/b"), 404, "PGRST125"),
        (operation("GET", "?select=x"), 404, "PGRST125"),
        (operation("PUT", "ships", {}), 405, "PGRST117"),
        (operation("POST", "ships", "x"), 400, "PGRST102"),
        (operation("POST", "ships", [1], Content_Type="text/csv"), 400, "PGRST102"),
        (operation("POST", "ships"), 415, "unsupported_media_type"),
        (operation("DELETE", "papers?id=gt.0", Prefer="handling=strict, max-affected=0"), 400, "PGRST124"),
    ],
)
def test_one_failure_undoes_all_and_says_which(
    editor: CallerClient, bad: dict[str, Any], status: int, code: str
) -> None:
    before = editor.rows(SHIPS)
    good = operation("POST", "ships", {"name": "good"})
    response = editor.post(
        BATCH, {"operations": [good, operation("PATCH", "papers?id=gt.0", {"number": "x"}), bad, good]}
    )
    document = problem(response, status, code)
    assert document["index"] == 2
    assert editor.rows(SHIPS) == before
    assert editor.values("/rest/v1/papers", "number") == ["P-1", "P-3"]
    path = bad["path"]
    if not path.startswith(("$", "?")) and "body" not in bad:
        alone = editor.request(bad["method"], f"/rest/v1/{path}", headers=bad.get("headers"))
        assert {
            **alone.json(),
            "index": 2,
            "instance": BATCH,
            "request_id": document["request_id"],
        } == document


def test_rules_hold_for_each_operation(clients: dict[str, CallerClient]) -> None:
    for name, client in clients.items():
        [read] = results(client, operation("GET", "voyages?select=id,public,title"))
        alone = client.get("/rest/v1/voyages?select=id,public,title")
        assert read["body"] == alone.json(), name
    for name in ("anonymous", "alice"):
        response = clients[name].post(BATCH, {"operations": [operation("POST", "ships", {"name": "X"})]})
        problem(response, 401 if name == "anonymous" else 403, "42501")
    response = clients["alice"].post(
        BATCH, {"operations": [operation("GET", "voyages"), operation("GET", "ports?order=earnings")]}
    )
    assert problem(response, 400, "42703")["index"] == 1


def test_a_batch_of_fifty_is_fifty_statements_of_one_transaction(app: Harbour, editor: CallerClient) -> None:
    inserts = [operation("POST", "ships", {"name": f"ship {number}"}) for number in range(50)]
    with _watched(app) as transactions:
        results(editor, *inserts)
    (ran,) = _about_ships(transactions)
    begun = [statement for statement in ran if statement.startswith(("BEGIN", "PRAGMA"))]
    assert len([statement for statement in ran if "ships" in statement]) == 50, ran
    assert len(ran) - len(begun) == 50
    assert len(editor.rows(f"{SHIPS}?name=like.ship*")) == 50
    with _watched(app) as transactions:
        results(editor, *(operation("GET", f"ships/{number}") for number in range(1, 4)))
    (ran,) = _about_ships(transactions)
    assert len([statement for statement in ran if "ships" in statement]) == 3


@contextmanager
def _watched(app: Harbour) -> Iterator[dict[Any, list[str]]]:
    """The statements of sessions while it lasts, by connection, which each session checks out for itself: what the
    platform asks on its own twice a second is apart from what a request asks."""
    statements: dict[Any, list[str]] = {}

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.setdefault(connection, []).append(statement)

    engine = app.app.sessions.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _about_ships(transactions: dict[Any, list[str]]) -> list[list[str]]:
    return [ran for ran in transactions.values() if any("ships" in statement for statement in ran)]


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({}, "operations", "required"),
        ([], "operations", "required"),
        ({"operations": []}, "operations", "required"),
        ({"operations": [], "more": 1}, "operations", "required"),
        ({"operations": [1]}, "operations.0", "type"),
        ({"operations": [{"method": "GET"}]}, "operations.0.path", "format"),
        ({"operations": [{"path": "ports"}]}, "operations.0.method", "enum"),
        ({"operations": [{"method": "get", "path": "ports"}]}, "operations.0.method", "enum"),
        ({"operations": [{"method": ["GET"], "path": "ports"}]}, "operations.0.method", "enum"),
        ({"operations": [operation("OPTIONS", "ports")]}, "operations.0.method", "enum"),
        ({"operations": [{**operation("GET", "ports"), "id": 1}]}, "operations.0.id", "unknown"),
        ({"operations": [operation("GET", "/auth/v1/user")]}, "operations.0.path", "format"),
        ({"operations": [operation("GET", "po rts")]}, "operations.0.path", "format"),
        ({"operations": [operation("GET", "ports\r\nX: y")]}, "operations.0.path", "format"),
        ({"operations": [operation("GET", "ports#x")]}, "operations.0.path", "format"),
        ({"operations": [operation("GET", "p%zzrts")]}, "operations.0.path", "format"),
        ({"operations": [operation("GET", "p%ff")]}, "operations.0.path", "format"),
        ({"operations": [operation("GET", "ports", Authorization="x")]}, "operations.0.headers.Authorization", "unknown"),
        ({"operations": [operation("GET", "ports", apikey="x")]}, "operations.0.headers.apikey", "unknown"),
        ({"operations": [operation("GET", "ports", Prefer="a\nb")]}, "operations.0.headers.Prefer", "format"),
        ({"operations": [{"method": "GET", "path": "ports", "headers": {"A": "1", "a": "2"}}]},
         "operations.0.headers.a", "repeated"),
        ({"operations": [{"method": "GET", "path": "ports", "headers": {"A": 1}}]}, "operations.0.headers.A", "format"),
        ({"operations": [{"method": "GET", "path": "ports", "headers": 1}]}, "operations.0.headers", "type"),
    ],
)  # fmt: skip
def test_what_is_no_batch_is_refused_before_anything_is_done(
    anonymous: CallerClient, body: Any, path: str, code: str
) -> None:
    document = problem(anonymous.post(BATCH, body), 400, "validation_failed")
    assert [(each["path"], each["code"]) for each in document["details"]] == [(path, code)]


def test_how_much_a_batch_may_ask_for_is_bounded(editor: CallerClient, service: CallerClient) -> None:
    many = [operation("GET", "ports?limit=1")] * 101
    problem(editor.post(BATCH, {"operations": many}), 400, "54000")
    rows = [{"name": f"s{number}"} for number in range(6000)]
    half = operation("POST", "nations?columns=code,name", [])
    halves = [operation("POST", "ships", rows[:5999]), half, operation("POST", "ships", [*rows[5999:]])]
    assert len(results(editor, *halves)) == 3
    more = [operation("PATCH", "ships?id=gt.0", {"tons": 1}) for _ in range(2)]
    assert problem(editor.post(BATCH, {"operations": more}), 400, "54000")["index"] == 1


def test_the_address_takes_post_and_json_only(anonymous: CallerClient) -> None:
    for method in ("GET", "PUT", "DELETE", "QUERY"):
        answer = anonymous.request(method, BATCH)
        assert problem(answer, 405, "PGRST117")
        assert answer.headers["allow"] == "POST, OPTIONS"
    assert anonymous.request("OPTIONS", BATCH).headers["allow"] == "POST, OPTIONS"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    problem(anonymous.post(BATCH, content=b"a=b", headers=form), 415, "unsupported_media_type")
    problem(anonymous.post(BATCH, content=b"{"), 400, "PGRST102")


def test_numbers_and_keys_of_a_body_are_as_exact_as_alone(service: CallerClient) -> None:
    body = b'{"operations":[{"method":"POST","path":"voyages?select=cost","headers":{"Prefer":"return=representation"},"body":'
    row = b'{"owner_id":"00000000-0000-4000-8000-00000000000a","start_code":"DEHAM","cost":12345678.10}}]}'
    response = service.post(BATCH, content=body + row)
    assert response.status_code == 200
    assert '[{"cost":12345678.10}]' in response.text
    assert json.loads(response.text)["results"][0]["status"] == 201
