"""A column rule that depends on the row masks: null where it does not hold, in every position.

`voyages.cost` is its owner's. Bob sees alice's public voyage 1, which cost 100.50, and his own 3 and 4.
"""

from __future__ import annotations

import pytest

from tests.api.answers import problem
from tests.api.seed import voyage_id
from tests.callers import CallerClient

VOYAGES = "/rest/v1/voyages"


def _numbers(client: CallerClient, query: str) -> list[int]:
    return [int(key[-4:]) for key in client.values(f"{VOYAGES}?select=id&{query}", "id")]


def test_it_is_null_in_rows_of_others(bob: CallerClient) -> None:
    rows = bob.rows(f"{VOYAGES}?select=id,cost")
    assert [row["cost"] for row in rows] == [None, 55.55, 999.99]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("cost=eq.100.50", []),
        ("cost=gt.0", [3, 4]),
        ("cost=lt.1000", [3, 4]),
        ("cost=neq.1", [3, 4]),
        ("cost=in.(100.50,55.55)", [3]),
        ("cost=is.null", [1]),
        ("cost=not.is.null", [3, 4]),
        ("cost=isdistinct.100.50", [1, 3, 4]),
        ("or=(cost.gt.60,cost.is.null)", [1, 4]),
        ("not.and=(cost.gt.60)", [3]),
        ("order=cost.nullsfirst", [1, 3, 4]),
        ("order=cost.desc.nullslast", [4, 3, 1]),
    ],
)
def test_it_is_null_in_filters_and_orders(bob: CallerClient, query: str, numbers: list[int]) -> None:
    assert _numbers(bob, query) == numbers


def test_it_is_null_in_embeds_and_their_filters(bob: CallerClient) -> None:
    path = "/rest/v1/ports?code=eq.DEHAM&select=voyages!start_code(cost)"
    assert bob.rows(path) == [{"voyages": [{"cost": None}]}]
    assert bob.rows(f"{path}&voyages.cost=gt.1") == [{"voyages": []}]
    inner = "/rest/v1/ports?select=code,voyages!voyages_start_code_fkey!inner(id)&voyages.cost=eq.100.50"
    assert bob.rows(inner) == []


def test_a_count_does_not_tell_it(bob: CallerClient) -> None:
    for value in ("100.50", "100.51"):
        response = bob.get(f"{VOYAGES}?cost=eq.{value}", prefer="count=exact")
        assert response.headers["content-range"] == "*/0"


def test_a_cast_shows_null_too(bob: CallerClient) -> None:
    assert bob.values(f"{VOYAGES}?id=eq.{voyage_id(1)}&select=cost::text", "cost") == [None]


def test_for_a_caller_whom_the_rule_can_never_hold_the_column_is_not_there(
    anonymous: CallerClient, publishable: CallerClient
) -> None:
    for client in (anonymous, publishable):
        problem(client.get(f"{VOYAGES}?select=cost"), 400, "42703")
        assert "cost" not in client.rows(VOYAGES)[0]


def test_its_owner_sees_all_of_it(alice: CallerClient, service: CallerClient) -> None:
    assert [row["cost"] for row in alice.rows(f"{VOYAGES}?select=cost")] == [100.50, 7.00, None]
    assert [row["cost"] for row in service.rows(f"{VOYAGES}?select=cost")] == [100.50, 7.00, 55.55, 999.99]


def test_the_tag_does_not_move_with_it(alice: CallerClient, bob: CallerClient) -> None:
    path = f"{VOYAGES}/{voyage_id(1)}"
    before = bob.get(path).headers["etag"]
    assert alice.patch(path, {"cost": 1}).status_code == 200
    assert bob.get(path).headers["etag"] == before
