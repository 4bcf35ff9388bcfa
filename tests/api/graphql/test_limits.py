"""Limits: the published shapes of attack are refused before anything is asked of the database, in linear time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from graphql import get_introspection_query, parse

from backstay.config.graphql import GraphQLSettings
from backstay.controllers.resources.graphql.limits import check_limits
from backstay.errors import BackstayError
from tests.api.graphql.asking import ADDRESS, code, data, errors
from tests.api.harbour import Harbour
from tests.callers import CallerClient

ROW = 'portsByPk(code: "DEHAM") { code }'
INNER = "node { nationsCollection: nation { portsCollection(first: 1) { edges { %s } } } }"


def nested(levels: int) -> str:
    """Ports of a nation of a port, and so on."""
    opening = (
        "{ portsCollection(first: 1) { edges { node "
        + "{ nation { portsCollection(first: 1) { edges { node " * levels
    )
    return opening + "{ code }" + " } } } }" * levels + " } } }"


def doubling(count: int) -> str:
    """Each fragment spreads the next one twice."""
    chain = " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(count))
    return f"{{ ...f0 }} {chain} fragment f{count} on Query {{ __typename }}"


ATTACKS = {
    "alias flood": "{ " + " ".join(f"a{n}: {ROW}" for n in range(16)) + " }",
    "root fields": "{ " + " ".join(f"a{n}: __typename" for n in range(15)) + ROW + " __typename" * 6 + " }",
    "deep nesting": nested(5),
    "deep brackets": "{ portsCollection" + "{ a" * 300 + "}" * 300 + "}",
    "deep lists": "{ portsCollection(filter: " + "{and: [" * 199 + "]}" * 199 + ") { totalCount } }",
    "circular fragments": "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
    "doubling fragments": doubling(30),
    "field duplication": "{ portsCollection { totalCount " + "edges { node { code } } " * 21 + "} }",
    "repeated typename": "{ " + "__typename " * 400 + "}",
    "directive overload": "{ __typename " + "@include(if: true) " * 51 + "}",
    "unknown directives": "{ __typename " + "@a " * 400 + "}",
    "tokens": "{ portsCollection(first: 1) { " + "totalCount " * 1100 + "} }",
    "bytes": "{ __typename } #" + "x" * 15_000,
    "comments": "{ __typename }" + "#\n" * 3000,
    "list multipliers": "{ portsCollection(first: 100) { edges { node { shipsCollection(first: 100) {"
    " edges { node { id } } } } } } }",
    "introspection in circles": "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_refused_before_anything_is_asked(app: Harbour, service: CallerClient, name: str) -> None:
    with app.counting() as statements:
        for _ in range(2):
            found = errors(service, ATTACKS[name])
            assert {one["extensions"]["code"] for one in found} <= {
                "54000", "graphql_parse_failed", "graphql_validation_failed",
            }, found  # fmt: skip
    assert statements == []


def test_batches_and_large_variables_are_refused(app: Harbour, anonymous: CallerClient) -> None:
    with app.counting() as statements:
        batch = anonymous.post(ADDRESS, [{"query": "{ __typename }"}] * 10)
        assert batch.status_code == 400
        assert batch.json()["errors"][0]["extensions"]["code"] == "graphql_batch"
        assert code(anonymous, "{ __typename }", unused="x" * 300_000) == "54000"
    assert statements == []


def test_what_is_usual_is_within_the_limits(anonymous: CallerClient) -> None:
    assert data(anonymous, nested(2))
    assert data(
        anonymous,
        "{ portsCollection(first: 100) { edges { cursor node { code name depth nation { name } } } } }",
    )
    assert data(anonymous, get_introspection_query())["__schema"]["queryType"] == {
        "name": "Query",
        "kind": "OBJECT",
    }


SHAPES: dict[str, Callable[[int], str]] = {
    "fields": lambda n: "{ " + " ".join(f"f{i} {{ a }}" for i in range(n)) + " }",
    "nested": lambda n: "{ a " * (n // 8) + "{ b }" + " }" * (n // 8),
    "doubling": doubling,
    "chains": lambda n: "{ " + "...f0 " * n + "} " + " ".join(f"fragment f{i} on Q {{ ...f{i + 1} }}" for i in range(n))
    + f" fragment f{n} on Q {{ a }}",
    "duplicates": lambda n: "{ " + "a { b } " * n + "}",
}  # fmt: skip
WIDE = GraphQLSettings(
    max_fields=2000, max_repeats=10**6, max_depth=10**6, max_aliases=10**6, max_root_fields=10**6
)


@pytest.mark.parametrize("shape", SHAPES)
def test_looking_at_a_document_is_linear_in_its_length(shape: str) -> None:
    def visited(size: int) -> int:
        tree = parse(SHAPES[shape](size), no_location=True)
        try:
            return check_limits(tree, WIDE)
        except BackstayError:
            return -1

    small, large = visited(150), visited(300)
    if shape in ("doubling", "chains"):
        # Refused once the sum is too large, whatever would come after.
        assert large == -1
    else:
        assert 0 < large <= 2.5 * small
