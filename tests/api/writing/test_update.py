"""PATCH with filters."""

from __future__ import annotations

import pytest

from tests.api.answers import details_of, problem
from tests.api.seed import ALICE, BOB, voyage_id
from tests.callers import CallerClient

SHIPS = "/rest/v1/ships"
VOYAGES = "/rest/v1/voyages"
SHOWN = "return=representation"


def test_the_rows_that_match_are_changed_and_no_others(editor: CallerClient) -> None:
    response = editor.patch(f"{SHIPS}?tons=gte.500", {"flag": "blue"})
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["content-range"] == "0-1/*"
    assert editor.values(SHIPS, "flag") == ["blue", None, "blue", "plain"]


def test_the_answer_shows_the_rows_as_they_are_now(editor: CallerClient) -> None:
    response = editor.patch(
        f"{SHIPS}?id=eq.1&select=tons,double_tons,ports(code)", {"tons": 7, "home_code": "FRLEH"},
        prefer=f"{SHOWN},count=exact",
    )  # fmt: skip
    assert response.status_code == 200
    assert response.json() == [{"tons": 7, "double_tons": 14, "ports": {"code": "FRLEH"}}]
    assert response.headers["content-range"] == "0-0/1"


def test_rows_that_no_longer_match_are_still_shown(editor: CallerClient) -> None:
    response = editor.patch(f"{SHIPS}?flag=eq.plain&select=id,flag", {"flag": "new"}, prefer=SHOWN)
    assert response.json() == [{"id": 3, "flag": "new"}, {"id": 4, "flag": "new"}]


def test_a_change_stamps_what_the_model_says(editor: CallerClient) -> None:
    editor.patch(f"{SHIPS}?id=eq.1", {"tons": 1})
    assert editor.values(f"{SHIPS}?id=lte.2", "touched") == ["by the application", None]


def test_a_change_of_nothing_changes_nothing(editor: CallerClient) -> None:
    response = editor.patch(f"{SHIPS}?id=eq.99", {"tons": 1}, prefer=SHOWN)
    assert (response.status_code, response.json()) == (200, [])
    assert response.headers["content-range"] == "*/*"
    assert editor.patch(f"{SHIPS}?id=eq.99", {"tons": 1}).status_code == 204


@pytest.mark.parametrize("query", ["", "?select=id", "?order=id", "?limit=1&order=id"])
def test_a_change_without_a_filter_is_refused(editor: CallerClient, query: str) -> None:
    document = problem(editor.patch(SHIPS + query, {"tons": 1}), 400, "21000")
    assert "WHERE clause" in document["message"]
    assert 1 not in editor.values(SHIPS, "tons")


@pytest.mark.parametrize(
    ("body", "code", "details"),
    [
        ({"tons": "heavy"}, "validation_failed", {"tons": "type"}),
        ({"name": None}, "validation_failed", {"name": "null"}),
        ({"tons": None, "built": 1e9}, "validation_failed", {"tons": "null", "built": "range"}),
        ({"rating": 6}, "validation_failed", {"rating": "check"}),
        ({"nonsense": 1}, "PGRST204", None),
        ({"double_tons": 1}, "428C9", None),
        ([], "PGRST102", None),
        ([{"tons": 1}, {"tons": 2}], "PGRST102", None),
    ],
)
def test_bad_values_are_refused_and_nothing_is_changed(
    editor: CallerClient, body: object, code: str, details: dict[str, str] | None
) -> None:
    before = editor.rows(SHIPS)
    document = problem(editor.patch(f"{SHIPS}?id=eq.1", body), 400, code)
    if details is not None:
        assert details_of(document) == details
    assert editor.rows(SHIPS) == before


def test_constraints_hold(editor: CallerClient) -> None:
    problem(editor.patch(f"{SHIPS}?id=eq.1", {"name": "Berta"}), 409, "23505")
    problem(editor.patch(f"{SHIPS}?id=eq.1", {"home_code": "NOPE"}), 409, "23503")
    problem(editor.patch(f"{SHIPS}?id=gt.0", {"name": "same"}), 409, "23505")
    assert editor.values(SHIPS, "name") == ["Anna", "Berta", "Clara", "Dora"]


def test_a_key_may_be_changed(editor: CallerClient) -> None:
    response = editor.patch(
        "/rest/v1/crews?ship_id=eq.1&sailor_id=eq.1&select=ship_id", {"ship_id": 4}, prefer=SHOWN
    )
    assert response.json() == [{"ship_id": 4}]


def test_only_rows_the_caller_may_see_and_change_are_changed(
    alice: CallerClient, service: CallerClient
) -> None:
    response = alice.patch(f"{VOYAGES}?rank=is.null&select=id", {"rank": 9}, prefer=SHOWN)
    assert (response.status_code, response.json()) == (200, [])
    response = alice.patch(f"{VOYAGES}?start_code=neq.X", {"rank": 9}, prefer=f"{SHOWN},count=exact")
    assert [row["owner_id"] for row in response.json()] == [str(ALICE)] * 2
    assert response.headers["content-range"] == "0-1/2"
    assert service.values(f"{VOYAGES}?owner_id=eq.{BOB}", "rank") == [None, None]


def test_a_row_cannot_be_given_away(alice: CallerClient, service: CallerClient) -> None:
    problem(alice.patch(f"{VOYAGES}?id=eq.{voyage_id(1)}", {"owner_id": str(BOB)}), 403, "42501")
    assert service.values(f"{VOYAGES}?id=eq.{voyage_id(1)}", "owner_id") == [str(ALICE)]


def test_a_change_cannot_be_used_to_guess_a_hidden_value(bob: CallerClient, service: CallerClient) -> None:
    """Bob sees alice's public voyage without its cost: a filter by cost must not tell whether it matches."""
    for value in ("100.50", "1.00"):
        response = bob.patch(
            f"{VOYAGES}?id=eq.{voyage_id(1)}&cost=eq.{value}", {"rank": 5}, prefer="count=exact"
        )
        assert response.headers["content-range"] == "*/0"
    assert service.values(f"{VOYAGES}?id=eq.{voyage_id(1)}", "rank") == [1]


def test_the_most_rows_are_respected_and_undone(editor: CallerClient) -> None:
    prefer = "handling=strict,max-affected=1"
    problem(editor.patch(f"{SHIPS}?id=gt.0", {"tons": 1}, prefer=prefer), 400, "PGRST124")
    assert 1 not in editor.values(SHIPS, "tons")
    assert editor.patch(f"{SHIPS}?id=eq.1", {"tons": 1}, prefer=prefer).status_code == 204
    # Without strict handling it is no limit.
    assert editor.patch(f"{SHIPS}?id=gt.0", {"tons": 2}, prefer="max-affected=1").status_code == 204
