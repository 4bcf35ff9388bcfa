"""Hooks run for writes through GraphQL and in batches, in the transaction that all of their writes share."""

from __future__ import annotations

from typing import Any

from tests.api.answers import problem
from tests.api.business.orchard import CALLS
from tests.api.graphql.asking import data, errors
from tests.callers import CallerClient

BATCH = "/rest/v1/$batch"
TREES = "/rest/v1/trees?select=name,height&order=name"
JOURNAL = "/rest/v1/journal?select=words"

WRITTEN = [
    "before_create growing True",
    "second before_create slug of growing",
    "validate growing",
    "after_create growing 1",
    "before_update growing ['height']",
    "validate growing",
    "after_update growing -> growing",
    "before_delete growing",
    "after_delete growing 0",
]


def planting(name: str) -> dict[str, Any]:
    return {"method": "POST", "path": "trees", "body": {"name": name}}


def test_mutations_have_the_hooks_of_their_writes(alice: CallerClient) -> None:
    found = data(
        alice,
        """mutation {
          a: insertIntotreesCollection(objects: [{name: "growing"}]) { records { name height } }
          b: updatetreesCollection(set: {height: 2}, filter: {name: {eq: "growing"}}) { records { height } }
          c: deleteFromtreesCollection(filter: {name: {eq: "growing"}}) { affectedCount } }""",
    )
    assert found == {
        "a": {"records": [{"name": "growing", "height": "7"}]},
        "b": {"records": [{"height": "9"}]},
        "c": {"affectedCount": 1},
    }
    assert CALLS == WRITTEN


def test_a_hook_that_refuses_undoes_the_whole_mutation(alice: CallerClient, service: CallerClient) -> None:
    found = errors(
        alice,
        """mutation {
          insertIntotreesCollection(objects: [{name: "oak"}]) { affectedCount }
          again: insertIntotreesCollection(objects: [{name: "late"}]) { affectedCount } }""",
    )
    assert (found[0]["extensions"]["code"], found[0]["path"]) == ("P0001", ["again"])
    assert "after_create oak 1" in CALLS
    assert (service.get(TREES).json(), service.get(JOURNAL).json()) == ([], [])


def test_operations_of_a_batch_have_the_hooks_of_their_writes(alice: CallerClient) -> None:
    shown = {"Prefer": "return=representation"}
    response = alice.post(
        BATCH,
        {
            "operations": [
                planting("growing"),
                {"method": "PATCH", "path": "trees?name=eq.growing", "body": {"height": 2}, "headers": shown},
                {"method": "DELETE", "path": "trees?name=eq.growing"},
            ]
        },
    )
    assert response.status_code == 200, response.text
    results = response.json()["results"]
    assert [result["status"] for result in results] == [201, 200, 204]
    assert results[1]["body"][0]["height"] == 9
    assert CALLS == WRITTEN


def test_a_hook_that_refuses_undoes_the_whole_batch(alice: CallerClient, service: CallerClient) -> None:
    response = alice.post(BATCH, {"operations": [planting("oak"), planting("late")]})
    assert problem(response, 400, "P0001")["index"] == 1
    assert "after_create oak 1" in CALLS
    assert (service.get(TREES).json(), service.get(JOURNAL).json()) == ([], [])
