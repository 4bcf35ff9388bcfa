"""Actions in `$batch`: part of its transaction, as what they are alone; and actions that give rows nobody may see."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.answers import problem
from tests.callers import CallerClient

BATCH = "/rest/v1/$batch"
RPC = "/rest/v1/rpc"
JOURNAL = "/rest/v1/journal?select=words"


def operation(method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    made: dict[str, Any] = {"method": method, "path": path, "headers": headers}
    return made if body is None else {**made, "body": body}


def results(client: CallerClient, *operations: dict[str, Any]) -> list[dict[str, Any]]:
    response = client.post(BATCH, {"operations": operations})
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["results"]
    return found


def test_actions_see_and_do_what_their_batch_does(alice: CallerClient, service: CallerClient) -> None:
    tallest = operation("GET", "rpc/trees.tallest?select=name&limit=1", Prefer="count=exact")
    found = results(
        alice,
        operation("POST", "trees", [{"name": "a", "height": 1}, {"name": "b", "height": 3}]),
        tallest,
        operation("PATCH", "trees?name=eq.a", {"height": 8}),
        tallest,
        operation("POST", "rpc/tools.note", {"words": "noted"}),
        operation("POST", "rpc/trees.named?select=name,height", {"name": "a"}),
        operation("POST", "/rest/v1/rpc/tools.add", {"numbers": [1, 2], "scale": 1.5}),
        operation("POST", "rpc/trees.named", "name=a", **{"Content-Type": "application/x-www-form-urlencoded"}),
        operation("HEAD", "rpc/trees.tallest"),
        operation("DELETE", "trees?name=eq.b"),
        operation("POST", "rpc/trees.tallest?select=name", {}, Prefer="return=minimal"),
        tallest,
    )  # fmt: skip
    assert [each["status"] for each in found] == [201, 206, 204, 206, 204, 200, 200, 200, 200, 204, 204, 200]
    bodies = [each["body"] for each in found]
    # A hook adds up heights.
    assert bodies[:7] == [None, [{"name": "b"}], None, [{"name": "a"}], None, {"name": "a", "height": 9}, 4.5]
    assert bodies[7]["name"] == "a"
    assert bodies[8:] == [None, None, None, [{"name": "a"}]]
    assert found[1]["headers"]["content-range"] == "0-0/2"
    assert found[10]["headers"]["preference-applied"] == "return=minimal"
    assert [line["words"] for line in service.rows(JOURNAL)] == ["planted a", "planted b", "noted"]
    alone = alice.get(f"{RPC}/trees.tallest?select=name&limit=1", prefer="count=exact")
    for name in ("content-type", "content-range", "preference-applied"):
        assert found[-1]["headers"][name] == alone.headers[name]


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        (("POST", "rpc/tools.note", {"words": "x", "then": "refuse"}), 409, "too_tall"),
        (("POST", "rpc/tools.note", {"words": "x", "then": "wait", "more": 1}), 404, "PGRST202"),
        (("GET", "rpc/tools.sneak"), 405, "25006"),
        (("GET", "rpc/tools.sneak_by_session"), 405, "25006"),
        (("POST", "rpc/tools.lines", {"count": 1}), 400, "PGRST127"),
        (("POST", "rpc/tools.picture", {"name": "a"}), 400, "PGRST127"),
        (("GET", "rpc/tools.nothing"), 404, "PGRST202"),
        (("GET", "rpc/tools.note?words=x"), 405, "PGRST101"),
        (("PATCH", "rpc/tools.note", {"words": "x"}), 405, "PGRST101"),
        (("POST", "rpc/tools.note", [1]), 400, "PGRST102"),
        (("POST", "rpc/trees.named", [1]), 400, "validation_failed"),
        (("GET", "rpc/trees.tallest?order=slug"), 400, "42703"),
        (("GET", "rpc/tools/note"), 404, "PGRST125"),
    ],
)
def test_an_action_that_fails_undoes_its_batch(
    alice: CallerClient, service: CallerClient, call: tuple[Any, ...], status: int, code: str
) -> None:
    operations = [operation("POST", "trees", {"name": "a"}), operation(*call)]
    refused = problem(alice.post(BATCH, {"operations": operations}), status, code)
    assert refused["index"] == 1
    assert service.rows("/rest/v1/trees") == []
    assert service.rows(JOURNAL) == []
    # Whatever connection it was, it can write again.
    for name in ("b", "c"):
        results(alice, operation("POST", "trees", {"name": name}), operation("GET", "rpc/trees.tallest"))


def test_a_batch_that_only_reads_calls_what_only_reads(alice: CallerClient) -> None:
    alice.post("/rest/v1/trees", {"name": "a", "height": 1})
    reads = [operation("GET", "trees?select=name"), operation("GET", "rpc/trees.tallest?select=name")]
    assert [each["body"] for each in results(alice, *reads)] == [[{"name": "a"}]] * 2
    sneaking = [*reads, operation("GET", "rpc/tools.sneak_by_session")]
    assert problem(alice.post(BATCH, {"operations": sneaking}), 405, "25006")["index"] == 2


def test_max_affected_told_how_many_hidden_rows_an_action_gave(
    alice: CallerClient, anonymous: CallerClient
) -> None:
    alice.post("/rest/v1/trees", [{"name": name, "height": 1} for name in "abc"])
    limited = anonymous.get(f"{RPC}/trees.tallest", prefer="handling=strict,max-affected=0")
    assert (limited.status_code, limited.json()) == (200, [])
    problem(alice.get(f"{RPC}/trees.tallest", prefer="handling=strict,max-affected=2"), 400, "PGRST124")


def test_an_action_told_the_name_of_a_hidden_table(anonymous: CallerClient, service: CallerClient) -> None:
    for path in (f"{RPC}/tools.history", "/functions/v1/tools.history"):
        refused = anonymous.get(path)
        assert "journal" not in refused.text
        problem(refused, 401, "42501")
        assert service.rows(path) == []
