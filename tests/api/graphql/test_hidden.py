"""What is hidden from a caller does not exist: not in the schema, and not in the errors about it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.graphql.asking import data, errors
from tests.callers import CallerClient

TYPES = "{ __schema { types { name fields { name } inputFields { name } } } }"


def words(client: CallerClient) -> set[str]:
    """Every name in the schema."""
    types = data(client, TYPES)["__schema"]["types"]
    inner = {
        field["name"] for type_ in types for field in (type_["fields"] or []) + (type_["inputFields"] or [])
    }
    return inner | {type_["name"] for type_ in types}


def test_the_schema_has_what_the_caller_can_see_and_do(
    anonymous: CallerClient, alice: CallerClient, editor: CallerClient, service: CallerClient
) -> None:
    seen = {client: words(client) for client in (anonymous, alice, editor, service)}
    for name in ("vaults", "gold", "unruled_things", "earnings", "letters", "updateportsCollection", "cost"):
        assert name not in seen[anonymous], name
    assert {"ports", "voyages", "insertIntolettersCollection"} <= seen[anonymous]
    assert "cost" in seen[alice]
    assert {"earnings", "letters", "updateportsCollection"} <= seen[editor]
    assert "vaults" not in seen[editor]
    assert {"vaults", "gold"} <= seen[service]


@pytest.mark.parametrize(
    ("hidden", "unknown"),
    [
        ("{ vaultsCollection { totalCount } }", "{ vexltsCollection { totalCount } }"),
        ("{ portsCollection { edges { node { earnings } } } }", "{ portsCollection { edges { node { earnixgs } } } }"),
        ("{ portsCollection(filter: {earnings: {gt: 1}}) { totalCount } }",
         "{ portsCollection(filter: {earnixgs: {gt: 1}}) { totalCount } }"),
        ("{ portsCollection(orderBy: {earnings: AscNullsLast}) { totalCount } }",
         "{ portsCollection(orderBy: {earnixgs: AscNullsLast}) { totalCount } }"),
        ("{ portsCollection { aggregate { sum { earnings } } } }",
         "{ portsCollection { aggregate { sum { earnixgs } } } }"),
        ("{ node(nodeId: \"\") { ... on vaults { gold } } }", "{ node(nodeId: \"\") { ... on vexlts { gold } } }"),
        ("mutation { updateportsCollection(set: {}) { affectedCount } }",
         "mutation { updatepoxtsCollection(set: {}) { affectedCount } }"),
    ],
)  # fmt: skip
def test_errors_about_hidden_and_unknown_names_are_the_same(
    anonymous: CallerClient, hidden: str, unknown: str
) -> None:
    def told(query: str) -> Any:
        text = repr(errors(anonymous, query))
        for one, other in (("vexlts", "vaults"), ("earnixgs", "earnings"), ("poxts", "ports")):
            text = text.replace(one, other)
        # In development suggestions are made from what can be seen.
        return text.split(" Did you mean")[0]

    assert told(hidden) == told(unknown)
