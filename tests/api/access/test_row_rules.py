"""Row rules on reads, for every kind of caller and every way to a row."""

from __future__ import annotations

import pytest

from tests.api.seed import voyage_id
from tests.callers import CallerClient

SEES = {
    "anonymous": [1, 3], "publishable": [1, 3], "alice": [1, 2, 3], "bob": [1, 3, 4], "editor": [1, 3],
    "service": [1, 2, 3, 4],
}  # fmt: skip


def _numbers(client: CallerClient, path: str) -> list[int]:
    return [int(key[-4:]) for key in client.values(path, "id")]


def test_a_list_holds_what_the_caller_may_see(anyone: CallerClient) -> None:
    assert _numbers(anyone, "/rest/v1/voyages") == SEES[anyone.name]


@pytest.mark.parametrize(
    "query",
    ["title=like.*secret*", "public=is.false", "or=(public.is.false,title.eq.alices secret)", "title=eq.bobs secret",
     "not.and=(public.is.true)"],
)  # fmt: skip
def test_no_filter_widens_it(anyone: CallerClient, query: str) -> None:
    found = _numbers(anyone, f"/rest/v1/voyages?{query}")
    assert set(found) <= set(SEES[anyone.name]) & {2, 4}
    count = anyone.get(f"/rest/v1/voyages?{query}", prefer="count=exact").headers["content-range"]
    assert count.endswith(f"/{len(found)}")


def test_no_embed_widens_it(anyone: CallerClient) -> None:
    rows = anyone.rows("/rest/v1/ports?select=voyages!start_code(id)")
    found = sorted(int(item["id"][-4:]) for row in rows for item in row["voyages"])
    assert found == SEES[anyone.name]


def test_an_item_is_there_or_not(anyone: CallerClient) -> None:
    for number in (1, 2, 3, 4):
        status = anyone.get(f"/rest/v1/voyages/{voyage_id(number)}").status_code
        assert status == (200 if number in SEES[anyone.name] else 404)


def test_a_rule_over_another_table_follows_it(anyone: CallerClient) -> None:
    visible = {1: 1, 2: 2, 3: 4}
    expected = [stop for stop, voyage in visible.items() if voyage in SEES[anyone.name]]
    assert anyone.values("/rest/v1/stops", "id") == expected


def test_a_changed_row_is_seen_at_once_by_whom_it_should(alice: CallerClient, bob: CallerClient) -> None:
    alice.patch(f"/rest/v1/voyages/{voyage_id(2)}", {"public": True})
    assert 2 in _numbers(bob, "/rest/v1/voyages")
    alice.patch(f"/rest/v1/voyages/{voyage_id(2)}", {"public": False})
    assert 2 not in _numbers(bob, "/rest/v1/voyages")


def test_callers_of_one_kind_do_not_share_answers(alice: CallerClient, bob: CallerClient) -> None:
    """Alice and bob share one compiled statement; the values bound to it are their own."""
    for _ in range(3):
        assert _numbers(alice, "/rest/v1/voyages?select=id") == [1, 2, 3]
        assert _numbers(bob, "/rest/v1/voyages?select=id") == [1, 3, 4]


def test_a_bad_token_is_nobody_and_not_anonymous(anonymous: CallerClient) -> None:
    for value in ("Bearer nonsense", "Bearer", "Basic YTpi", "Bearer a.b.c"):
        response = anonymous.get("/rest/v1/ports", headers={"Authorization": value})
        assert response.status_code in (400, 401), value
        assert "DEHAM" not in response.text
        if response.status_code == 401:
            assert response.headers["www-authenticate"].startswith("Bearer")
    assert anonymous.get("/rest/v1/ports", headers={"apikey": "sb_secret_wrong"}).status_code == 401
