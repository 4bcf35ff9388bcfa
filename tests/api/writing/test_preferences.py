"""`Prefer` on writes, and what it never does."""

from __future__ import annotations

import pytest

from tests.api.answers import problem
from tests.callers import CallerClient

SHIPS = "/rest/v1/ships"


def test_a_strict_caller_is_told_of_unknown_preferences(editor: CallerClient) -> None:
    document = problem(
        editor.post(SHIPS, {"name": "A"}, prefer="handling=strict, nonsense=1"), 400, "PGRST122"
    )
    assert document["details"] == "Invalid preferences: nonsense=1"
    assert editor.rows(f"{SHIPS}?name=eq.A") == []


def test_a_lenient_caller_is_not(editor: CallerClient) -> None:
    response = editor.post(SHIPS, {"name": "A"}, prefer="handling=lenient, nonsense=1")
    assert response.status_code == 201
    assert response.headers["preference-applied"] == "handling=lenient"


def test_the_echo_has_the_protocols_order(editor: CallerClient) -> None:
    prefer = "count=exact,missing=default,return=minimal,handling=strict,resolution=merge-duplicates"
    response = editor.post(SHIPS, {"name": "A"}, prefer=prefer)
    assert response.headers["preference-applied"] == (
        "resolution=merge-duplicates, missing=default, return=minimal, count=exact, handling=strict"
    )


def test_of_two_equal_preferences_the_first_counts(editor: CallerClient) -> None:
    response = editor.post(SHIPS, {"name": "A"}, prefer="return=minimal, return=representation")
    assert response.content == b""


def test_a_rollback_that_is_not_honoured_is_not_echoed(editor: CallerClient) -> None:
    response = editor.post(SHIPS, {"name": "A"}, prefer="tx=rollback")
    assert "tx" not in response.headers.get("preference-applied", "")


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_writes_know_only_the_schema_public(editor: CallerClient, method: str) -> None:
    response = editor.request(
        method, f"{SHIPS}?id=eq.1", json={"tons": 1}, headers={"Content-Profile": "other"}
    )
    problem(response, 406, "PGRST106")
    assert editor.values(f"{SHIPS}?id=eq.1", "tons") == [500]


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_an_answer_that_cannot_be_made_writes_nothing(editor: CallerClient, method: str) -> None:
    response = editor.request(
        method, f"{SHIPS}?id=eq.4", json={"name": "Z"}, prefer="return=representation",
        headers={"Accept": "application/xml"},
    )  # fmt: skip
    problem(response, 406, "PGRST107")
    assert editor.values(SHIPS, "name") == ["Anna", "Berta", "Clara", "Dora"]


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("query", ["select=nonsense", "select=nonsense(*)", "nonsense=eq.1"])
def test_a_query_that_means_nothing_writes_nothing(editor: CallerClient, method: str, query: str) -> None:
    if method == "POST" and query.startswith("nonsense"):
        return
    response = editor.request(
        method, f"{SHIPS}?id=eq.4&{query}", json={"name": "Z"}, prefer="return=representation"
    )
    assert response.status_code == 400, response.text
    assert editor.values(SHIPS, "name") == ["Anna", "Berta", "Clara", "Dora"]
