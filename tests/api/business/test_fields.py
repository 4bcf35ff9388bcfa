"""Actions as fields of GraphQL: for whom they exist, what they take and give, and the one transaction of a mutation."""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import Annotated, Any

import pytest
from graphql import print_type, validate_schema
from pydantic import BaseModel, Field, RootModel

from backstay.config.rest import RestSettings
from backstay.controllers.resources.graphql.schema import SchemaMaker
from backstay.errors import ConfigurationError
from backstay.models.access.audience import ANYBODY_ANONYMOUS
from backstay.models.catalog_reading import read_catalog
from backstay.services.action import Upload, action
from backstay.services.context import Context
from backstay.services.resources.action_reading import read_actions
from backstay.services.service import Service
from tests.api.business.orchard import CALLS, MODELS
from tests.api.business.test_actions import DOORS, MAY, NOWHERE, journal, plant
from tests.api.graphql.asking import code, data, errors
from tests.api.graphql.test_hidden import words
from tests.api.harbour import Harbour
from tests.api.seed import ALICE
from tests.callers import CallerClient

ECHO = """mutation Echo($cost: BigFloat, $point: PointInput) { tools_echo(
  text: "ä", number: "2", tags: ["a", "b"], cost: $cost, moment: "2026-05-01T10:00:00Z", point: $point
) { text n: number tags cost moment point { __typename x y } } }"""
FIELDS = {name: name.replace(".", "_") for name in MAY if "__" not in name and name.islower()}
UNTOLD = ("tools_keep", "tools_weigh", "tools_picture", "tools_lines", "tools_ticks")


def test_each_action_is_a_field_for_those_who_may_call_it(anyone: CallerClient) -> None:
    names = words(anyone)
    for name, field in FIELDS.items():
        assert (field in names) is (anyone.name in MAY[name]), name
    assert not names & set(UNTOLD)
    if "trees_count" not in names:
        told, unknown = (
            # In development suggestions are made from what can be seen.
            errors(anyone, f"mutation {{ {name} }}")[0]["message"].split(" Did you mean")[0]
            for name in ("trees_count", "zzzzz_count")
        )
        assert told.replace("trees_count", "zzzzz_count") == unknown


def test_a_permission_opens_the_field_that_requires_it(app: Harbour, alice: CallerClient) -> None:
    token = app.app.tokens.mint(ALICE, permissions=["trees:prune"])
    gardener = CallerClient(
        "gardener", app.app, {"Authorization": f"Bearer {token}"}, app.run, app.note_change
    )
    assert data(gardener, "mutation { prune }") == {"prune": None}
    assert code(alice, "mutation { prune }") == "graphql_validation_failed"


def test_arguments_and_values_are_typed(anonymous: CallerClient) -> None:
    cost = "1.12345678901234567890"
    assert data(anonymous, ECHO, cost=cost, point={"x": 1, "y": 2.5})["tools_echo"] == {
        "text": "ä", "n": "2", "tags": ["a", "b"], "cost": cost, "moment": "2026-05-01T10:00:00Z",
        "point": {"__typename": "Point", "x": "1", "y": 2.5},
    }  # fmt: skip
    assert data(anonymous, "{ tools_add(numbers: [1, 2]) b: tools_add(numbers: [3], scale: 0.5) }") == {
        "tools_add": 3.0, "b": 1.5,
    }  # fmt: skip
    assert data(anonymous, "mutation { tools_names }") == {"tools_names": ["a", "b"]}
    defaulted = data(anonymous, 'mutation { tools_echo(text: "x") { number cost point { x } } }')
    assert defaulted == {"tools_echo": {"number": "1", "cost": None, "point": None}}
    response = anonymous.get("/graphql/v1?query={tools_add(numbers:[1])}")
    assert response.json() == {"data": {"tools_add": 1.0}}


def test_what_has_an_alias_is_called_so_at_every_door(anonymous: CallerClient) -> None:
    for door in DOORS:
        response = anonymous.post(f"{door}/tools.label", {"label": {"lineCount": 1}})
        assert response.json() == {"lineCount": 2}
    query = "mutation { tools_label(label: {lineCount: 1}) { lineCount } }"
    assert data(anonymous, query) == {"tools_label": {"lineCount": "2"}}


def test_arguments_that_do_not_fit_are_refused_with_a_code(
    anonymous: CallerClient, service: CallerClient
) -> None:
    for query in (
        "mutation { tools_echo { text } }",
        'mutation { tools_echo(text: "x", nothing: 1) { text } }',
        'mutation { tools_note(words: "x", then: never) }',
        'mutation { tools_note(words: "x", then: null) }',
        'mutation { tools_echo(text: "x", point: {y: 1}) { text } }',
        'mutation { tools_echo(text: "x") }',
        "{ tools_names }",
        "mutation { tools_add(numbers: [1]) }",
    ):
        assert code(anonymous, query) == "graphql_validation_failed", query
    bad = errors(
        anonymous,
        'mutation { tools_note(words: "kept") again: tools_echo(text: "x", moment: "soon") { text } }',
    )[0]
    assert (bad["path"], bad["extensions"]["code"]) == (["again"], "validation_failed")
    assert bad["extensions"]["details"][0]["path"] == "moment"
    refused = anonymous.get('/graphql/v1?query=mutation{tools_note(words:"kept")}')
    assert refused.status_code == 405
    assert journal(service) == []


ROWS = """query Rows($filter: treesFilter) {
  trees_tallest(least: 1, filter: $filter) { name height fruitsCollection(first: 1) { totalCount edges { node { words } } } } }"""


def test_rows_are_those_that_the_caller_may_see(
    app: Harbour, anonymous: CallerClient, alice: CallerClient, bob: CallerClient, service: CallerClient
) -> None:
    plant(alice, "oak", public=True, height=2)
    tall = plant(alice, "ash", height=5)["id"]
    plant(bob, "elm", public=True, height=4)
    service.post("/rest/v1/fruits", [{"tree_id": tall, "words": f"w{n}"} for n in range(3)])
    assert [row["name"] for row in data(alice, ROWS)["trees_tallest"]] == ["ash", "elm", "oak"]
    assert [row["name"] for row in data(anonymous, ROWS)["trees_tallest"]] == ["elm", "oak"]
    found = data(alice, ROWS, filter={"height": {"gt": "4"}})["trees_tallest"]
    assert found == [
        {"name": "ash", "height": "5",
         "fruitsCollection": {"totalCount": 3, "edges": [{"node": {"words": "w0"}}]}}
    ]  # fmt: skip
    some = "{ a: trees_tallest(first: 1, offset: 1) { name } b: trees_tallest(orderBy: {name: DescNullsLast}) { nodeId name } }"
    both = data(alice, some)
    assert both["a"] == [{"name": "elm"}]
    assert [row["name"] for row in both["b"]] == ["oak", "elm", "ash"]
    named = 'mutation { trees_named(name: "ash") { __typename name } }'
    assert data(alice, named) == {"trees_named": {"__typename": "trees", "name": "ash"}}
    assert data(anonymous, named) == {"trees_named": None}
    for hidden in (
        "{ trees_tallest { slug } }",
        '{ trees_tallest(filter: {slug: {eq: "x"}}) { name } }',
        "{ trees_tallest(orderBy: {slug: AscNullsLast}) { name } }",
        'mutation { trees_named(name: "ash") { slug } }',
    ):
        assert code(alice, hidden) == "graphql_validation_failed"
        assert data(service, hidden)
    assert code(alice, "{ trees_tallest(first: 101) { name } }") == "54000"
    assert code(alice, "{ trees_tallest(first: -1) { name } }") == "22023"


def test_a_call_costs_what_it_does_and_one_read_of_its_rows(app: Harbour, alice: CallerClient) -> None:
    plant(alice, "oak", height=2)
    data(alice, ROWS)
    with app.counting() as statements:
        data(alice, "{ treesCollection { edges { node { name } } } tools_add(numbers: [1]) }")
    assert len([one for one in statements if "SELECT" in one]) == 1


MIXED = """mutation Mixed($then: tools_note_then!) {
  insertIntotreesCollection(objects: [{name: "oak"}]) { records { name } }
  trees_fell(tree_id: "%s", on: "2026-02-03") { felled }
  updatetreesCollection(set: {name: "yew"}, filter: {name: {eq: "ash"}}) { affectedCount }
  trees_named(name: "yew") { name felled }
  tools_note(words: "noted", then: $then) }"""


def test_a_mutation_of_writes_and_calls_is_one_transaction(
    alice: CallerClient, service: CallerClient
) -> None:
    query = MIXED % plant(alice, "ash")["id"]
    before = journal(service)
    for then, expected in (("refuse", "too_tall"), ("fail", "internal_error")):
        found = errors_of(alice, query, then)
        assert found["code"] == expected
        assert "secret" not in str(found)
        assert service.values("/rest/v1/trees", "name") == ["ash"]
        assert journal(service) == before
    assert "after_create oak 2" in CALLS
    found = data(alice, query, then="go")
    assert found == {
        "insertIntotreesCollection": {"records": [{"name": "oak"}]},
        "trees_fell": {"felled": "2026-02-03"},
        "updatetreesCollection": {"affectedCount": 1},
        "trees_named": {"name": "yew", "felled": "2026-02-03"},
        "tools_note": None,
    }
    assert list(found)[:2] == ["insertIntotreesCollection", "trees_fell"]
    assert journal(service) == [*before, "planted oak", "noted"]
    twice = """mutation Twice($id: UUID!) { trees_fell(tree_id: $id) { name }
      insertIntotreesCollection(objects: [{name: "oak"}]) { affectedCount } }"""
    missing = errors(alice, twice, id=NOWHERE)[0]
    assert (missing["path"], missing["extensions"]["code"]) == (["trees_fell"], "row_not_found")


def errors_of(client: CallerClient, query: str, then: str) -> dict[str, Any]:
    """What is said of a failure: in `extensions`, or as a problem for a fault of the application's."""
    response = client.post("/graphql/v1", {"query": query, "variables": {"then": then}})
    document = response.json()
    assert not document.get("data")
    first: dict[str, Any] = document["errors"][0]
    if response.status_code == 200:
        assert first["path"] == ["tools_note"]
    return dict(first["extensions"])


def test_actions_among_queries_cannot_write(anonymous: CallerClient, service: CallerClient) -> None:
    for query in ("{ tools_sneak }", "{ tools_add(numbers: []) tools_sneak_by_session }"):
        found = errors(anonymous, query)[0]
        assert (found["extensions"]["code"], found["path"][0][:11]) == ("25006", "tools_sneak")
    assert journal(service) == []


class Colour(enum.Enum):
    """A colour."""

    RED = "red"
    BLUE = "blue"


class Leaf(BaseModel):
    """A leaf with leaves."""

    colour: Colour
    leaves: list[Leaf] = []
    weight: Annotated[int, Field(ge=0, le=9)]
    prices: dict[str, Decimal] = {}


class Wreath(RootModel[list[Leaf]]):
    """Leaves."""


def other_leaf() -> type[BaseModel]:
    class Leaf(BaseModel):
        page: int

    return Leaf


OtherLeaf = other_leaf()


class Botany(Service):
    @action(rule=True)
    async def press(
        self, ctx: Context, leaf: Leaf, either: int | str = 1, wreath: Wreath | None = None
    ) -> Leaf:
        return leaf

    @action(rule=True)
    async def turn(self, ctx: Context, filter: str) -> OtherLeaf:  # type: ignore[valid-type]  # made at run time
        return OtherLeaf(page=1)

    @action(rule=True)
    async def scan(self, ctx: Context, file: Upload | None = None) -> None: ...


def schema_of(*services: type[Service]) -> Any:
    catalog = read_catalog(MODELS)
    maker = SchemaMaker(catalog, read_actions(services, catalog), RestSettings(), 30)
    return maker.schema(ANYBODY_ANONYMOUS.member)


def test_models_of_one_name_are_told_apart_and_what_has_no_type_is_json() -> None:
    schema = schema_of(Botany)
    assert validate_schema(schema) == []
    fields = schema.mutation_type.fields
    assert str(fields["botany_press"].type) == "botany_press_Leaf!"
    assert str(fields["botany_turn"].type) == "botany_turn_Leaf!"
    assert {name: str(one.type) for name, one in fields["botany_press"].args.items()} == {
        "leaf": "LeafInput!", "either": "JSON", "wreath": "[LeafInput!]",
    }  # fmt: skip
    assert print_type(schema.get_type("LeafInput")) == '"""A leaf with leaves."""\n' + "\n".join(
        ["input LeafInput {", "  colour: Colour!", "  leaves: [LeafInput!]", "  weight: Int!", "  prices: JSON", "}"]
    )  # fmt: skip
    assert "botany_scan" not in fields


def test_actions_that_would_be_one_field_are_refused_at_start() -> None:
    class Twins(Service):
        @action(rule=True, name="a.b")
        async def one(self, ctx: Context) -> None: ...

        @action(rule=True, name="a_b")
        async def other(self, ctx: Context) -> None: ...

        @action(rule=True, name="node")
        async def third(self, ctx: Context) -> None: ...

    with pytest.raises(ConfigurationError) as raised:
        schema_of(Twins)
    assert [problem.split("'")[1] for problem in raised.value.problems] == ["a_b", "node"]
