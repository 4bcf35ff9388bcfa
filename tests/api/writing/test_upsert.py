"""POST that meets rows which exist."""

from __future__ import annotations

from tests.api.answers import problem
from tests.api.seed import ALICE, BOB, voyage_id
from tests.callers import CallerClient

SHIPS = "/rest/v1/ships"
VOYAGES = "/rest/v1/voyages"
MERGE = "resolution=merge-duplicates"
IGNORE = "resolution=ignore-duplicates"
SHOWN = "return=representation"


def test_merging_changes_what_exists_and_creates_what_does_not(editor: CallerClient) -> None:
    rows = [{"id": 1, "name": "Anna", "tons": 1}, {"id": 9, "name": "Nine", "tons": 2}]
    response = editor.post(f"{SHIPS}?select=id,tons,flag", rows, prefer=f"{MERGE},{SHOWN}")
    assert response.status_code == 201
    assert response.json() == [{"id": 1, "tons": 1, "flag": "red"}, {"id": 9, "tons": 2, "flag": "plain"}]
    assert response.headers["preference-applied"] == "resolution=merge-duplicates, return=representation"


def test_merging_only_what_exists_is_200(editor: CallerClient) -> None:
    response = editor.post(SHIPS, {"id": 1, "name": "Anna", "tons": 1}, prefer=MERGE)
    assert response.status_code == 200
    assert editor.values(f"{SHIPS}?id=eq.1", "tons") == [1]


def test_ignoring_leaves_what_exists(editor: CallerClient) -> None:
    rows = [{"id": 1, "name": "Changed"}, {"id": 9, "name": "Nine"}]
    response = editor.post(f"{SHIPS}?select=id,name", rows, prefer=f"{IGNORE},{SHOWN}")
    assert response.status_code == 201
    assert response.json() == [{"id": 9, "name": "Nine"}]
    assert editor.values(f"{SHIPS}?id=eq.1", "name") == ["Anna"]


def test_other_columns_can_be_the_target(editor: CallerClient) -> None:
    response = editor.post(f"{SHIPS}?on_conflict=name&select=id,tons", {"name": "Anna", "tons": 3},
                           prefer=f"{MERGE},{SHOWN}")  # fmt: skip
    assert (response.status_code, response.json()) == (200, [{"id": 1, "tons": 3}])


def test_a_composite_key_is_a_target(editor: CallerClient) -> None:
    row = {"port_code": "DEHAM", "number": 1, "length": 5}
    assert editor.post("/rest/v1/berths", row, prefer=MERGE).status_code == 200
    assert editor.values("/rest/v1/berths?port_code=eq.DEHAM", "length") == [5, 300]


def test_a_target_that_nothing_makes_unique_is_refused(editor: CallerClient) -> None:
    problem(editor.post(f"{SHIPS}?on_conflict=tons", {"name": "A", "tons": 1}, prefer=MERGE), 400, "42P10")
    assert editor.post(f"{SHIPS}?on_conflict=nonsense", {"name": "A"}, prefer=MERGE).status_code == 400


def test_the_same_row_twice_is_refused(editor: CallerClient) -> None:
    rows = [{"id": 1, "name": "A"}, {"id": 1, "name": "B"}]
    problem(editor.post(SHIPS, rows, prefer=MERGE), 400, "21000")
    assert editor.values(f"{SHIPS}?id=eq.1", "name") == ["Anna"]


def test_a_conflict_on_other_columns_is_a_conflict(editor: CallerClient) -> None:
    problem(editor.post(SHIPS, {"id": 1, "name": "Berta"}, prefer=MERGE), 409, "23505")


def test_a_row_of_somebody_else_is_neither_taken_nor_shown(bob: CallerClient, service: CallerClient) -> None:
    mine = {"id": str(voyage_id(2)), "owner_id": str(BOB), "start_code": "FRLEH", "title": "stolen"}
    response = bob.post(VOYAGES, mine, prefer=f"{MERGE},{SHOWN}")
    assert response.status_code in (403, 409)
    assert "alices secret" not in response.text
    assert service.values(f"{VOYAGES}?id=eq.{voyage_id(2)}", "owner_id") == [str(ALICE)]
    response = bob.post(VOYAGES, mine, prefer=f"{IGNORE},{SHOWN}")
    assert "alices secret" not in response.text
    assert service.values(f"{VOYAGES}?id=eq.{voyage_id(2)}", "title") == ["alices secret"]


def test_a_public_row_of_somebody_else_is_not_merged_into(bob: CallerClient, service: CallerClient) -> None:
    row = {"id": str(voyage_id(1)), "owner_id": str(BOB), "start_code": "FRLEH"}
    response = bob.post(VOYAGES, row, prefer=f"{MERGE},{SHOWN}")
    problem(response, 403, "42501")
    assert service.values(f"{VOYAGES}?id=eq.{voyage_id(1)}", "start_code") == ["DEHAM"]


def test_merging_keeps_the_default_of_a_column_that_is_not_given(alice: CallerClient) -> None:
    row = {"id": str(voyage_id(1)), "start_code": "FRLEH"}
    (shown,) = alice.post(VOYAGES, row, prefer=f"{MERGE},{SHOWN}").json()
    assert shown["start_code"] == "FRLEH"
    assert shown["title"] == "summer"
    assert shown["public"] is True
