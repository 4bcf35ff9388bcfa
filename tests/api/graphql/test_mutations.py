"""Mutations: insert, update, delete; one transaction each; what is too much or without a filter is refused."""

from __future__ import annotations

import pytest

from tests.api.graphql.asking import code, data, errors
from tests.api.harbour import Harbour
from tests.callers import CallerClient

BOTH = """mutation {
  a: insertIntonationsCollection(objects: [{code: "XX", name: "X"}, {code: "YY", name: "Y"}]) {
    affectedCount records { nodeId name portsCollection { totalCount } } }
  b: updatenationsCollection(set: {name: "Z"}, filter: {code: {eq: "XX"}}) { affectedCount records { code name } }
  c: deleteFromnationsCollection(filter: {code: {in: ["XX", "YY"]}}, atMost: 2) { records { name } affectedCount } }"""


def test_fields_are_done_in_their_order(editor: CallerClient) -> None:
    found = data(editor, BOTH)
    assert found["a"]["affectedCount"] == 2
    assert [row["name"] for row in found["a"]["records"]] == ["X", "Y"]
    assert found["b"] == {"affectedCount": 1, "records": [{"code": "XX", "name": "Z"}]}
    assert sorted(row["name"] for row in found["c"]["records"]) == ["Y", "Z"]
    assert list(found["c"]) == ["records", "affectedCount"]


def test_a_mutation_that_fails_leaves_nothing(app: Harbour, editor: CallerClient) -> None:
    query = """mutation {
      insertIntonationsCollection(objects: [{code: "XX", name: "X"}]) { affectedCount }
      again: insertIntonationsCollection(objects: [{code: "XX", name: "X2"}]) { affectedCount } }"""
    found = errors(editor, query)
    assert found[0]["extensions"]["code"] == "23505"
    assert found[0]["path"] == ["again"]
    assert found[0]["locations"] == [{"line": 3, "column": 7}]
    assert data(editor, '{ nationsByPk(code: "XX") { name } }') == {"nationsByPk": None}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("updatenationsCollection(set: {name: \"Z\"}) { affectedCount }", "21000"),
        ("updatenationsCollection(set: {name: \"Z\"}, filter: {}) { affectedCount }", "21000"),
        ("deleteFromnationsCollection { affectedCount }", "21000"),
        ("deleteFromnationsCollection(filter: {and: []}) { affectedCount }", "22023"),
        ("deleteFromnationsCollection(filter: {code: {eq: null}}) { affectedCount }", "22023"),
        ("updateshipsCollection(set: {flag: \"z\"}, filter: {id: {gt: 0}}) { affectedCount }", "PGRST124"),
        ("updateshipsCollection(set: {flag: \"z\"}, filter: {id: {gt: 0}}, atMost: -1) { affectedCount }", "22023"),
        ("insertIntoshipsCollection(objects: [{name: \"N\", rating: 9}]) { affectedCount }", "validation_failed"),
    ],
)  # fmt: skip
def test_what_is_refused_changes_nothing(
    app: Harbour, editor: CallerClient, change: str, expected: str
) -> None:
    before = data(editor, "{ nationsCollection { edges { node { name } } } shipsCollection { totalCount } }")
    assert code(editor, f"mutation {{ {change} }}") == expected
    assert (
        data(editor, "{ nationsCollection { edges { node { name } } } shipsCollection { totalCount } }")
        == before
    )
    assert data(editor, '{ shipsCollection(filter: {flag: {eq: "z"}}) { totalCount } }') == {
        "shipsCollection": {"totalCount": 0}
    }


def test_writes_follow_the_rules(app: Harbour, alice: CallerClient, anonymous: CallerClient) -> None:
    new = 'mutation { insertIntovoyagesCollection(objects: [{start_code: "DEHAM", cost: "3.5"}]) { records { cost } } }'
    assert data(alice, new) == {"insertIntovoyagesCollection": {"records": [{"cost": "3.50"}]}}
    others = 'mutation { updatevoyagesCollection(set: {title: "mine"}, filter: {title: {eq: "bobs tour"}}) { affectedCount } }'
    assert data(alice, others) == {"updatevoyagesCollection": {"affectedCount": 0}}
    stolen = """mutation { updatevoyagesCollection(set: {owner_id: "00000000-0000-4000-8000-00000000000b"},
      filter: {title: {eq: "summer"}}) { affectedCount } }"""
    assert code(alice, stolen) == "42501"
    letter = 'mutation { insertIntolettersCollection(objects: [{words: "hello"}]) { affectedCount } }'
    assert data(anonymous, letter) == {"insertIntolettersCollection": {"affectedCount": 1}}
