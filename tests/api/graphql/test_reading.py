"""Queries: connections, their pages and filters, single rows; each operation is one statement, on both engines."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.graphql.asking import code, data, nodes
from tests.api.harbour import Harbour
from tests.api.seed import voyage_id
from tests.callers import CallerClient

DEEP = """{ nationsCollection(first: 3) { totalCount edges { cursor node { name
  portsCollection(first: 3) { totalCount pageInfo { hasNextPage endCursor } edges { node { code
    shipsCollection(first: 2, orderBy: [{tons: DescNullsLast}]) { aggregate { count sum { tons } } edges { node { name
      papers { number }
      crewsCollection(first: 2) { edges { node { duty sailors: sailor { name } } } } } } } } } } } } } }"""
MANY = """{ a: portsCollection(first: 1) { totalCount edges { node { code } } }
  b: portsByPk(code: "DEHAM") { name } shipsCollection { aggregate { max { tons } } }
  node(nodeId: "WyJwdWJsaWMiLCAicG9ydHMiLCAiREVIQU0iXQ==") { nodeId ... on ports { name } } __typename }"""


@pytest.mark.parametrize("name", ["anonymous", "alice", "service"])
@pytest.mark.parametrize("query", [DEEP, MANY])
def test_an_operation_is_one_statement(
    app: Harbour, clients: dict[str, CallerClient], name: str, query: str
) -> None:
    data(clients[name], query)
    with app.counting() as statements:
        found = data(clients[name], query)
    assert len(statements) == 1, statements
    if query is DEEP:
        germany = nodes(found["nationsCollection"])[0]
        assert germany["portsCollection"]["totalCount"] == 2
        ships = nodes(germany["portsCollection"])[1]["shipsCollection"]
        assert ships["aggregate"] == {"count": 2, "sum": {"tons": "800"}}
        assert [ship["name"] for ship in nodes(ships)] == ["Anna", "Berta"]
        assert nodes(nodes(ships)[0]["crewsCollection"])[0]["sailors"] == {"name": "Old Tom"}
    else:
        assert found["b"] == {"name": "Hamburg"}
        assert found["node"] == {"nodeId": "WyJwdWJsaWMiLCAicG9ydHMiLCAiREVIQU0iXQ==", "name": "Hamburg"}
        assert found["a"] == {"totalCount": 6, "edges": [{"node": {"code": "DEBRV"}}]}
        assert list(found) == ["a", "b", "shipsCollection", "node", "__typename"]


def test_what_asks_nothing_of_the_database_is_no_statement(app: Harbour, anonymous: CallerClient) -> None:
    with app.counting() as statements:
        assert data(anonymous, '{ __typename node(nodeId: "bm9uc2Vuc2U=") { nodeId } }') == {
            "__typename": "Query",
            "node": None,
        }
        data(anonymous, "{ __schema { queryType { name } } }")
    assert statements == []


@pytest.mark.parametrize(
    ("filter_", "codes"),
    [
        ('{name: {startsWith: "Ha"}}', ["DEHAM"]),
        ('{name: {like: "%Havre"}}', ["FRLEH"]),
        ('{name: {like: "*"}}', []),
        ('{name: {startsWith: "100% Nowhere_"}}', ["XXNOW"]),
        ('{name: {regex: "^[a-z]"}}', ["FRSML"]),
        ('{name: {iregex: "^HAM"}}', ["DEHAM"]),
        ("{nation_code: {is: NULL}}", ["XXNOW"]),
        ("{kind: {in: [small, medium]}}", ["DEBRV", "FRSML"]),
        ("{depth: {gt: 15.05, lt: 20}}", ["DEHAM", "FRLEH"]),
        ('{tags: {contains: ["a b"]}}', ["DEHAM"]),
        ('{tags: {overlaps: ["oil", "c,d"]}}', ["DEHAM", "NLRTM"]),
        ("{or: [{kind: {eq: small}}, {not: {depth: {lte: 20}}}]}", ["FRSML", "NLRTM"]),
        ('{and: [{kind: {eq: large}}, {nation_code: {neq: "DE"}}]}', ["FRLEH", "NLRTM"]),
        ("{}", ["DEBRV", "DEHAM", "FRLEH", "FRSML", "NLRTM", "XXNOW"]),
    ],
)
def test_filters(anonymous: CallerClient, filter_: str, codes: list[str]) -> None:
    found = data(
        anonymous, f"{{ portsCollection(filter: {filter_}) {{ totalCount edges {{ node {{ code }} }} }} }}"
    )
    assert [row["code"] for row in nodes(found["portsCollection"])] == codes
    assert found["portsCollection"]["totalCount"] == len(codes)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ("filter: {code: {eq: null}}", "22023"),
        ("filter: {code: null}", "22023"),
        ("filter: {or: []}", "22023"),
        ("filter: {not: {}}", "22023"),
        ("orderBy: [{code: AscNullsLast, name: AscNullsLast}]", "22023"),
        ("first: -1", "22023"),
        ("first: 101", "54000"),
        ("first: 1, last: 1", "22023"),
        ('first: 1, before: "x"', "22023"),
        ('after: "x", offset: 1', "22023"),
        ('after: "x"', "bad_cursor"),
        ("first: 1, offset: -1", "22023"),
        ("nonsense: 1", "graphql_validation_failed"),
        ('filter: {name: {regex: "("}}', "2201B"),
    ],
)
def test_what_means_nothing_is_refused(
    app: Harbour, anonymous: CallerClient, args: str, expected: str
) -> None:
    with app.counting() as statements:
        assert code(anonymous, f"{{ portsCollection({args}) {{ edges {{ node {{ code }} }} }} }}") == expected
    assert statements == []


PAGE = """query ($first: Int, $last: Int, $after: Cursor, $before: Cursor) {
  shipsCollection(first: $first, last: $last, after: $after, before: $before,
                  orderBy: [{rating: %s}, {flag: %s}]) {
    edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


@pytest.mark.parametrize("rating", ["AscNullsFirst", "AscNullsLast", "DescNullsFirst", "DescNullsLast"])
@pytest.mark.parametrize("flag", ["AscNullsFirst", "DescNullsLast"])
def test_cursors_lead_through_all_rows_both_ways(anonymous: CallerClient, rating: str, flag: str) -> None:
    query = PAGE % (rating, flag)
    whole = [row["id"] for row in nodes(data(anonymous, query)["shipsCollection"])]
    assert len(whole) == 4
    for size, step, back in (("first", "after", False), ("last", "before", True)):
        found: list[Any] = []
        variables: dict[str, Any] = {size: 1}
        while True:
            page = data(anonymous, query, **variables)["shipsCollection"]
            ids = [row["id"] for row in nodes(page)]
            found = ids + found if back else found + ids
            info = page["pageInfo"]
            assert page["edges"][0]["cursor"]
            if not info["hasPreviousPage" if back else "hasNextPage"]:
                break
            variables[step] = info["startCursor" if back else "endCursor"]
        assert found == whole


def test_a_cursor_is_stable_under_writes_and_belongs_to_its_question_and_caller(
    anonymous: CallerClient, alice: CallerClient, editor: CallerClient
) -> None:
    query = PAGE % ("AscNullsLast", "AscNullsLast")
    cursor = data(anonymous, query, first=2)["shipsCollection"]["pageInfo"]["endCursor"]
    rest = [row["id"] for row in nodes(data(anonymous, query, after=cursor)["shipsCollection"])]
    data(
        editor,
        'mutation { insertIntoshipsCollection(objects: [{name: "New", rating: 1, flag: "aa"}]) { affectedCount } }',
    )
    assert [row["id"] for row in nodes(data(anonymous, query, after=cursor)["shipsCollection"])] == rest
    assert code(alice, query, after=cursor) == "bad_cursor"
    other = PAGE % ("AscNullsFirst", "AscNullsLast")
    assert code(anonymous, other, after=cursor) == "bad_cursor"
    assert code(anonymous, query, after=cursor[:-2] + "AA") == "bad_cursor"


def test_a_page_with_a_cursor_is_one_statement(app: Harbour, anonymous: CallerClient) -> None:
    query = PAGE % ("AscNullsLast", "AscNullsLast")
    cursor = data(anonymous, query, first=2)["shipsCollection"]["pageInfo"]["endCursor"]
    with app.counting() as statements:
        data(anonymous, query, first=2, after=cursor)
    assert len(statements) == 1


def test_values_have_the_form_of_their_scalars(service: CallerClient) -> None:
    row = {
        "int16": 5, "int32": -7, "int64": "9007199254740993", "real": 0.1, "money": "12.50", "exact": "1e3",
        "flag": True, "key": "0190000000007000800000000000000A", "moment": "2026-06-01T10:00:00+02:00",
        "local": "2026-06-01T10:00:00", "day": "2026-06-01", "hour": "10:00:00", "blob": "\\x00ff",
        "data": '{"b":1.50,"a":[null]}', "words": ["a,b", None], "numbers": [1, 2], "text": "a*%_", "short": "é",
    }  # fmt: skip
    names = " ".join(row)
    query = f"""mutation ($objects: [specimensInsertInput!]!) {{
        insertIntospecimensCollection(objects: $objects) {{ records {{ {names} }} }} }}"""
    found = data(service, query, objects=[row])["insertIntospecimensCollection"]["records"][0]
    assert found == row | {
        "exact": "1000",
        "key": "01900000-0000-7000-8000-00000000000a",
        "moment": "2026-06-01T08:00:00+00:00",
        "data": '{"a":[null],"b":1.50}',
    }
    for name, value in row.items():
        operator = "contains" if isinstance(value, list) else "eq"
        if isinstance(value, list):
            value = value[:1]
        filter_ = {name: {operator: value}}
        asked = "query ($f: specimensFilter) { specimensCollection(filter: $f) { totalCount } }"
        assert data(service, asked, f=filter_)["specimensCollection"]["totalCount"] == 1, name


def test_directives_fragments_and_merged_fields(anonymous: CallerClient) -> None:
    query = """query ($yes: Boolean!, $no: Boolean!) {
      portsByPk(code: "DEHAM") { ...named @include(if: $yes) depth @skip(if: $yes) nation { code } }
      portsByPk(code: "DEHAM") { nation { name } kind @include(if: $no) } }
      fragment named on ports { __typename title: name ... on Node { nodeId } }"""
    assert data(anonymous, query, yes=True, no=False) == {
        "portsByPk": {
            "__typename": "ports",
            "title": "Hamburg",
            "nodeId": "WyJwdWJsaWMiLCAicG9ydHMiLCAiREVIQU0iXQ==",
            "nation": {"code": "DE", "name": "Germany"},
        }
    }


@pytest.mark.parametrize(
    ("name", "titles", "costs"),
    [
        ("anonymous", {"summer", "bobs tour"}, {None}),
        ("alice", {"summer", "alices secret", "bobs tour"}, {"100.50", "7.00", None}),
    ],
)
def test_rows_and_values_follow_the_rules(
    clients: dict[str, CallerClient], name: str, titles: set[str], costs: set[str | None]
) -> None:
    fields = "title cost" if name != "anonymous" else "title"
    found = data(
        clients[name],
        f"{{ voyagesCollection {{ totalCount edges {{ node {{ {fields} stopsCollection {{ totalCount }} }} }} }} }}",
    )
    rows = nodes(found["voyagesCollection"])
    assert {row["title"] for row in rows} == titles
    assert found["voyagesCollection"]["totalCount"] == len(titles)
    assert {row.get("cost") for row in rows} == costs
    one = f'{{ voyagesByPk(id: "{voyage_id(4)}") {{ title }} }}'
    assert data(clients[name], one) == {"voyagesByPk": None}
