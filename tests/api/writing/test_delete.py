"""DELETE with filters."""

from __future__ import annotations

import pytest

from tests.api.answers import problem
from tests.api.seed import BOB, voyage_id
from tests.callers import CallerClient

SHIPS = "/rest/v1/ships"
VOYAGES = "/rest/v1/voyages"
SHOWN = "return=representation"


def test_the_rows_that_match_are_deleted_and_no_others(editor: CallerClient) -> None:
    response = editor.delete("/rest/v1/crews?duty=is.null", prefer="count=exact")
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["content-range"] == "*/1"
    assert len(editor.rows("/rest/v1/crews")) == 3


def test_the_answer_shows_what_was_deleted_with_its_embeds(editor: CallerClient) -> None:
    response = editor.delete("/rest/v1/crews?ship_id=eq.1&select=duty,sailors(name)", prefer=SHOWN)
    assert response.status_code == 200
    assert response.json() == [
        {"duty": "captain", "sailors": {"name": "Old Tom"}}, {"duty": "cook", "sailors": {"name": "Pia"}},
    ]  # fmt: skip
    assert editor.rows("/rest/v1/crews?ship_id=eq.1") == []


@pytest.mark.parametrize("query", ["", "?select=id", "?order=id", "?limit=1&order=id"])
def test_a_deletion_without_a_filter_is_refused(editor: CallerClient, query: str) -> None:
    problem(editor.delete(SHIPS + query), 400, "21000")
    assert len(editor.rows(SHIPS)) == 4


def test_a_row_that_is_referred_to_stays(editor: CallerClient) -> None:
    problem(editor.delete("/rest/v1/ports?code=eq.DEHAM"), 409, "23503")
    assert len(editor.rows("/rest/v1/ports?code=eq.DEHAM")) == 1


def test_a_deletion_cascades_where_the_database_says_so(editor: CallerClient) -> None:
    assert editor.delete(f"{SHIPS}?id=eq.2").status_code == 204
    assert editor.rows("/rest/v1/crews?ship_id=eq.2") == []


def test_nothing_is_deleted_when_nothing_matches(editor: CallerClient) -> None:
    assert editor.delete(f"{SHIPS}?id=eq.99").status_code == 204
    assert editor.delete(f"{SHIPS}?id=eq.99", prefer=SHOWN).json() == []


def test_only_own_rows_are_deleted(alice: CallerClient, service: CallerClient) -> None:
    assert (
        alice.delete(f"{VOYAGES}?owner_id=eq.{BOB}", prefer="count=exact").headers["content-range"] == "*/0"
    )
    assert alice.delete("/rest/v1/stops?id=gt.0", prefer="count=exact").headers["content-range"] == "*/2"
    assert service.values("/rest/v1/stops", "id") == [3]
    assert len(service.rows(VOYAGES)) == 4


def test_strangers_delete_nothing_and_learn_nothing(stranger: CallerClient, service: CallerClient) -> None:
    response = stranger.delete(f"{SHIPS}?id=eq.1")
    assert response.status_code in (401, 403)
    response = stranger.delete(f"{VOYAGES}?id=eq.{voyage_id(4)}&title=eq.bobs secret", prefer=SHOWN)
    if stranger.name != "bob":
        assert "secret" not in response.text
        assert len(service.rows(VOYAGES)) == 4
    assert len(service.rows(SHIPS)) == 4


def test_the_most_rows_are_respected_and_undone(editor: CallerClient) -> None:
    response = editor.delete("/rest/v1/crews?ship_id=gt.0", prefer="handling=strict,max-affected=3")
    problem(response, 400, "PGRST124")
    assert len(editor.rows("/rest/v1/crews")) == 4
