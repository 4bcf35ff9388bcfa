"""Rows that actions give, asked about in the grammar of a read: their order, what is spread beside them, aggregates."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.business.test_actions import RPC, plant
from tests.callers import CallerClient

BASKET = f"{RPC}/trees.basket"


@pytest.fixture
def fruits(alice: CallerClient, service: CallerClient) -> None:
    """Ten fruits on two trees, of which only alice may see the second; keys run against the words."""
    trees = [plant(alice, "oak", public=True, height=2)["id"], plant(alice, "ash", height=5)["id"]]
    rows = [{"id": 100 - 7 * n, "tree_id": trees[n % 2], "words": f"w{n}"} for n in range(10)]
    assert service.post("/rest/v1/fruits", rows).status_code == 201


def get(client: CallerClient, query: str) -> Any:
    response = client.get(f"{BASKET}{query}")
    assert response.status_code == 200, response.text
    return response.json()


WORDS = [f"w{n}" for n in reversed(range(10))]


@pytest.mark.usefixtures("fruits")
def test_rows_with_something_beside_them_keep_the_order_of_the_action(
    anonymous: CallerClient, alice: CallerClient
) -> None:
    for select in ("words", "words,trees(name)", "words,...trees(name)", "words,...trees(tree:name)"):
        found = get(alice, f"?select={select}")
        assert [row["words"] for row in found] == WORDS, select
        some = get(alice, f"?select={select}&limit=3&offset=2")
        assert [row["words"] for row in some] == WORDS[2:5], select
    spread = get(anonymous, "?select=words,...trees(name)&words=lt.w4")
    assert spread == [
        {"words": "w3", "name": None}, {"words": "w2", "name": "oak"},
        {"words": "w1", "name": None}, {"words": "w0", "name": "oak"},
    ]  # fmt: skip
    ordered = get(alice, "?select=words,...trees(name)&order=trees(name),words&limit=6")
    assert [row["words"] for row in ordered] == ["w1", "w3", "w5", "w7", "w9", "w0"]
    inner = get(anonymous, "?select=words,...trees!inner(name)&limit=2")
    assert inner == [{"words": "w8", "name": "oak"}, {"words": "w6", "name": "oak"}]


@pytest.mark.usefixtures("fruits")
def test_rows_of_an_action_are_counted_and_grouped(anonymous: CallerClient, alice: CallerClient) -> None:
    assert get(alice, "?select=count(),id.min(),id.max()") == [{"count": 10, "min": 37, "max": 100}]
    assert get(alice, "?select=count()&words=lt.w3") == [{"count": 3}]
    # No row is no row, and not as many as there are.
    assert get(alice, "?select=count()&words=eq.none") == [{"count": 0}]
    grouped = get(alice, "?select=...trees(name),count(),words.max()&order=trees(name)")
    assert grouped == [{"name": "ash", "count": 5, "max": "w9"}, {"name": "oak", "count": 5, "max": "w8"}]
    hidden = get(anonymous, "?select=...trees(name),count()&order=trees(name).nullsfirst")
    assert hidden == [{"name": None, "count": 5}, {"name": "oak", "count": 5}]
    assert get(anonymous, "?select=words.max(),...trees!inner(height.sum())") == [{"max": "w8", "sum": 10}]
    response = anonymous.get(
        f"{BASKET}?select=words,...trees(name)&limit=2", headers={"Prefer": "count=exact"}
    )
    assert response.headers["content-range"] == "0-1/10"
