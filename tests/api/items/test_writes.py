"""PATCH, PUT and DELETE of one row, with the plain statuses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.answers import details_of, problem
from tests.api.seed import ALICE, BOB, voyage_id
from tests.callers import CallerClient

SHIP = "/rest/v1/ships/1"
SHIPS = "/rest/v1/ships"


def test_patch_changes_what_is_named_and_shows_the_row(editor: CallerClient) -> None:
    response = editor.patch(SHIP, {"tons": 501})
    assert response.status_code == 200
    row = response.json()
    assert (row["tons"], row["double_tons"], row["name"]) == (501, 1002, "Anna")
    assert "etag" in response.headers


def test_minimal_shows_nothing(editor: CallerClient) -> None:
    response = editor.patch(SHIP, {"tons": 501}, prefer="return=minimal")
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["preference-applied"] == "return=minimal"


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({"name": "A", "tons": "x", "built": 10**6}, {"tons": "type", "built": "range"}),
        ({"name": None}, {"name": "null"}),
        ({"name": "A", "rating": 9}, {"rating": "check"}),
        ({"name": "x" * 41}, {"name": "length"}),
    ],
)
def test_values_that_do_not_fit_are_422(
    editor: CallerClient, method: str, body: dict[str, Any], details: dict[str, str]
) -> None:
    document = problem(editor.request(method, SHIP, json=body), 422, "unprocessable")
    assert details_of(document) == details
    assert editor.get(SHIP).json()["name"] == "Anna"


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_an_unknown_column_is_422(editor: CallerClient, method: str) -> None:
    document = problem(editor.request(method, SHIP, json={"name": "A", "nonsense": 1}), 422, "unprocessable")
    assert "nonsense" in document["message"]


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_conflicts_are_409(editor: CallerClient, method: str) -> None:
    problem(editor.request(method, SHIP, json={"name": "Berta"}), 409, "23505")
    problem(editor.request(method, SHIP, json={"name": "Anna", "home_code": "NOPE"}), 409, "23503")


@pytest.mark.parametrize("conditions", [{}, {"If-Match": "*"}])
def test_put_replaces_the_row_and_what_it_lacks_is_null(
    editor: CallerClient, conditions: dict[str, str]
) -> None:
    response = editor.put(SHIP, {"name": "Anna II", "tons": 9}, headers=conditions)
    assert response.status_code == 200
    row = response.json()
    assert (row["id"], row["name"], row["tons"]) == (1, "Anna II", 9)
    assert (row["home_code"], row["built"], row["rating"]) == (None, None, None)


def test_put_takes_the_models_default_for_what_it_lacks(editor: CallerClient) -> None:
    assert editor.put(SHIP, {"name": "Anna II"}).json()["flag"] == "plain"


def test_put_needs_what_has_no_default(editor: CallerClient) -> None:
    document = problem(editor.put(SHIP, {"tons": 1}), 422, "unprocessable")
    assert set(details_of(document)) == {"name"}
    assert editor.get(SHIP).json()["tons"] == 500


def test_put_leaves_what_its_caller_does_not_see(alice: CallerClient, bob: CallerClient) -> None:
    path = f"/rest/v1/voyages/{voyage_id(1)}"
    problem(bob.put(path, {"start_code": "DEBRV"}), 403, "42501")
    assert alice.get(path).json()["cost"] == 100.50


def test_put_creates_a_row_at_its_address(editor: CallerClient) -> None:
    response = editor.put("/rest/v1/ports/GBLON", {"name": "London"})
    assert response.status_code == 201
    assert response.json()["code"] == "GBLON"
    assert editor.get("/rest/v1/ports/GBLON").headers["etag"] == response.headers["etag"]
    assert editor.put("/rest/v1/berths/GBLON,4", {"length": 9}).json() == {
        "port_code": "GBLON", "number": 4, "length": 9,
    }  # fmt: skip


def test_put_with_if_none_match_only_creates(editor: CallerClient) -> None:
    only_new = {"If-None-Match": "*"}
    problem(editor.put("/rest/v1/ports/DEHAM", {"name": "x"}, headers=only_new), 412, "precondition_failed")
    assert editor.get("/rest/v1/ports/DEHAM").json()["name"] == "Hamburg"
    assert editor.put("/rest/v1/ports/GBLON", {"name": "London"}, headers=only_new).status_code == 201


def test_put_takes_the_key_from_the_address(editor: CallerClient) -> None:
    problem(editor.put("/rest/v1/ports/DEHAM", {"code": "FRLEH", "name": "x"}), 400, "PGRST115")
    assert editor.put("/rest/v1/ports/GBLON", {"code": "GBLON", "name": "London"}).status_code == 201
    assert editor.get("/rest/v1/ports/DEHAM").json()["name"] == "Hamburg"


@pytest.mark.parametrize("key", ["abc", "99999999999", "1e3"])
def test_put_to_what_can_be_no_key_is_not_an_accident(editor: CallerClient, key: str) -> None:
    response = editor.put(f"{SHIPS}/{key}", {"name": "Z"})
    assert response.status_code in (400, 404, 422), response.text
    assert editor.rows(f"{SHIPS}?name=eq.Z") == []


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize("key", ["99", "abc", "99999999999999999999"])
def test_a_write_to_no_row_is_404(editor: CallerClient, method: str, key: str) -> None:
    body = {"tons": 1} if method == "PATCH" else None
    problem(editor.request(method, f"{SHIPS}/{key}", json=body), 404, "row_not_found")


def test_delete_removes_the_row_once(editor: CallerClient) -> None:
    response = editor.delete("/rest/v1/ships/2")
    assert (response.status_code, response.content) == (204, b"")
    problem(editor.delete("/rest/v1/ships/2"), 404, "row_not_found")
    assert editor.values(SHIPS, "id") == [1, 3, 4]


def test_delete_shows_the_row_when_asked(editor: CallerClient) -> None:
    response = editor.delete("/rest/v1/ships/2?select=name,sailors(name)", prefer="return=representation")
    assert (response.status_code, response.json()) == (200, {"name": "Berta", "sailors": [{"name": "Pia"}]})


def test_delete_of_a_row_that_is_referred_to_is_409(editor: CallerClient) -> None:
    problem(editor.delete("/rest/v1/ports/DEHAM"), 409, "23503")


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_an_own_row_is_changed_a_visible_one_is_403_and_a_hidden_one_404(
    clients: dict[str, CallerClient], method: str
) -> None:
    body = None if method == "DELETE" else {"start_code": "FRLEH"}
    for name, number, status in (
        ("bob", 1, 403), ("bob", 2, 404), ("anonymous", 1, 401), ("anonymous", 2, 404),
        ("editor", 3, 403), ("editor", 4, 404),
    ):  # fmt: skip
        response = clients[name].request(method, f"/rest/v1/voyages/{voyage_id(number)}", json=body)
        if method == "PUT" and status == 404:
            assert response.status_code in (401, 403, 404, 409), (name, number, response.text)
        elif name == "anonymous":
            assert response.status_code in (401, 404), (name, number, response.text)
        else:
            assert response.status_code == status, (name, number, response.text)
        assert "secret" not in response.text
    rows = clients["service"].rows("/rest/v1/voyages")
    assert [row["owner_id"] for row in rows] == [str(ALICE)] * 2 + [str(BOB)] * 2
    assert clients["alice"].request(method, f"/rest/v1/voyages/{voyage_id(2)}", json=body).status_code < 300


def test_a_row_cannot_be_given_away(alice: CallerClient) -> None:
    problem(alice.patch(f"/rest/v1/voyages/{voyage_id(1)}", {"owner_id": str(BOB)}), 403, "42501")
    assert alice.get(f"/rest/v1/voyages/{voyage_id(1)}").json()["owner_id"] == str(ALICE)
