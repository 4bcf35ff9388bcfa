"""`/rest/v1/{table}/{id}`: reading one row by its key."""

from __future__ import annotations

import pytest

from tests.api.answers import problem
from tests.api.seed import voyage_id
from tests.callers import CallerClient

PORT = "/rest/v1/ports/DEHAM"


def test_a_row_is_an_object_with_a_strong_tag(anonymous: CallerClient) -> None:
    response = anonymous.get(f"{PORT}?select=code,nations(name)")
    assert (response.status_code, response.json()) == (200, {"code": "DEHAM", "nations": {"name": "Germany"}})
    assert response.headers["etag"].startswith('"')
    assert "private" in response.headers["cache-control"]
    assert "authorization" in response.headers["vary"].lower()


@pytest.mark.parametrize(
    ("path", "row"),
    [
        ("berths/DEHAM,2?select=length", {"length": 300}),
        ("ships/1?select=name", {"name": "Anna"}),
        ("ships/id=1?select=name", {"name": "Anna"}),
        ("crews/1,2?select=duty", {"duty": "cook"}),
        (f"voyages/{voyage_id(1)}?select=title", {"title": "summer"}),
    ],
)
def test_every_kind_of_key_is_an_address(anonymous: CallerClient, path: str, row: object) -> None:
    assert anonymous.rows(f"/rest/v1/{path}") == row


@pytest.mark.parametrize(
    "path",
    [
        "ports/NOPE", "ports/", "ships/99", "ships/abc", "ships/1e3", "ships/99999999999999999999", "ships/1,2",
        "ships/-1", "berths/DEHAM", "berths/DEHAM,x", "berths/DEHAM,2,3", "voyages/not-a-uuid",
        f"voyages/{voyage_id(99)}", "ports/DEHAM/more", "nothing/1", "vaults/1", "unruled_things/1", "letters/1",
        "ships/1%27%20OR%201=1", "ports/%F0%9F%9A%A2", "ships/1.0", "ships/%31%20%31",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_no_row_is_404(anonymous: CallerClient, path: str, method: str) -> None:
    response = anonymous.request(method, f"/rest/v1/{path}")
    assert response.status_code == 404, response.text
    if method == "GET":
        problem(response, 404, response.json()["code"])


@pytest.mark.parametrize("query", ["id=eq.1", "limit=1", "order=id", "offset=0", "or=(id.eq.1)"])
def test_the_address_of_a_row_takes_no_filter(anonymous: CallerClient, query: str) -> None:
    problem(anonymous.get(f"/rest/v1/ships/1?{query}"), 400, "PGRST100")


def test_a_row_that_may_not_be_seen_is_not_there(clients: dict[str, CallerClient]) -> None:
    path = f"/rest/v1/voyages/{voyage_id(2)}"
    missing = f"/rest/v1/voyages/{voyage_id(99)}"
    for name, client in clients.items():
        if name in ("alice", "service"):
            assert client.get(path).status_code == 200
            continue
        seen, unseen = client.get(missing).json(), client.get(path).json()
        for document in (seen, unseen):
            del document["request_id"], document["instance"]
        assert seen == unseen


def test_a_masked_value_is_null_and_the_tag_differs_by_what_is_shown(
    clients: dict[str, CallerClient],
) -> None:
    path = f"/rest/v1/voyages/{voyage_id(1)}"
    answers = {name: client.get(path) for name, client in clients.items()}
    assert answers["alice"].json()["cost"] == 100.50
    assert answers["bob"].json()["cost"] is None
    assert "100.5" not in answers["bob"].text
    assert answers["alice"].headers["etag"] != answers["bob"].headers["etag"]
    assert answers["publishable"].headers["etag"] == answers["anonymous"].headers["etag"]


def test_head_has_the_headers_of_get(anonymous: CallerClient) -> None:
    get, head = anonymous.get(PORT), anonymous.head(PORT)
    assert head.content == b""
    for name in ("etag", "content-type", "cache-control", "vary", "content-length"):
        assert get.headers.get(name) == head.headers.get(name)


def test_options_and_other_methods(editor: CallerClient) -> None:
    response = editor.request("OPTIONS", PORT)
    assert {"GET", "PATCH", "PUT", "DELETE"} <= set(response.headers["allow"].replace(" ", "").split(","))
    response = editor.post(PORT, {})
    assert response.status_code == 405
    assert "PATCH" in response.headers["allow"]


def test_a_row_can_be_csv(anonymous: CallerClient) -> None:
    response = anonymous.get(f"{PORT}?select=code,name", headers={"Accept": "text/csv"})
    assert response.text.splitlines() == ["code,name", "DEHAM,Hamburg"]
