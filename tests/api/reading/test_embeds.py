"""Embeds: each cardinality, hints, filters and pages per parent, null embeds, and what rules cut out."""

from __future__ import annotations

import pytest

from tests.api.answers import problem
from tests.api.seed import voyage_id
from tests.callers import CallerClient


def test_many_to_one_is_an_object_or_null(anonymous: CallerClient) -> None:
    rows = anonymous.rows("/rest/v1/ports?code=in.(DEHAM,XXNOW)&select=code,nations(name)")
    assert rows == [{"code": "DEHAM", "nations": {"name": "Germany"}}, {"code": "XXNOW", "nations": None}]


def test_one_to_many_is_an_array_in_key_order(anonymous: CallerClient) -> None:
    rows = anonymous.rows("/rest/v1/nations?select=code,ports(code)")
    assert rows == [
        {"code": "DE", "ports": [{"code": "DEBRV"}, {"code": "DEHAM"}]},
        {"code": "FR", "ports": [{"code": "FRLEH"}, {"code": "FRSML"}]},
        {"code": "NL", "ports": [{"code": "NLRTM"}]},
    ]


def test_one_to_one_is_an_object_from_both_sides(anonymous: CallerClient) -> None:
    ships = anonymous.rows("/rest/v1/ships?id=in.(1,2)&select=id,papers(number)")
    assert ships == [{"id": 1, "papers": {"number": "P-1"}}, {"id": 2, "papers": None}]
    assert anonymous.rows("/rest/v1/papers?id=eq.1&select=number,ships(name)") == [
        {"number": "P-1", "ships": {"name": "Anna"}}
    ]


def test_many_to_many_goes_through_the_junction(anonymous: CallerClient) -> None:
    rows = anonymous.rows("/rest/v1/ships?select=name,sailors(name)&id=lte.2")
    assert rows == [
        {"name": "Anna", "sailors": [{"name": "Old Tom"}, {"name": "Pia"}]},
        {"name": "Berta", "sailors": [{"name": "Pia"}]},
    ]
    assert anonymous.rows("/rest/v1/sailors?id=eq.2&select=ships(id)") == [{"ships": [{"id": 1}, {"id": 2}]}]


def test_a_junction_is_a_table_too(anonymous: CallerClient) -> None:
    rows = anonymous.rows("/rest/v1/ships?id=eq.1&select=crews(duty,sailors(name))")
    assert rows == [
        {"crews": [{"duty": "captain", "sailors": {"name": "Old Tom"}},
                   {"duty": "cook", "sailors": {"name": "Pia"}}]}
    ]  # fmt: skip


def test_a_table_that_points_at_itself_is_many_by_name_and_one_by_column(anonymous: CallerClient) -> None:
    rows = anonymous.rows("/rest/v1/sailors?id=eq.2&select=name,sailors(name),mentor_id(name)")
    assert rows == [{"name": "Pia", "sailors": [{"name": "Rosa"}], "mentor_id": {"name": "Old Tom"}}]


def test_a_composite_key_is_followed(anonymous: CallerClient) -> None:
    rows = anonymous.rows("/rest/v1/moorings?select=id,berths(length)")
    assert rows == [{"id": 1, "berths": {"length": 300}}, {"id": 2, "berths": {"length": None}}]
    assert anonymous.rows("/rest/v1/berths?port_code=eq.DEHAM&select=number,moorings(ship_id)") == [
        {"number": 1, "moorings": []}, {"number": 2, "moorings": [{"ship_id": 1}]},
    ]  # fmt: skip


def test_two_keys_to_one_table_are_ambiguous_and_the_answer_says_how_to_choose(
    anonymous: CallerClient,
) -> None:
    document = problem(anonymous.get("/rest/v1/voyages?select=id,ports(name)"), 300, "PGRST201")
    assert {item["relationship"] for item in document["details"]} == {
        "voyages_start_code_fkey using voyages(start_code) and ports(code)",
        "voyages_end_code_fkey using voyages(end_code) and ports(code)",
    }
    assert "'ports!voyages_end_code_fkey'" in document["hint"]


@pytest.mark.parametrize(
    "embed",
    ["start:ports!start_code(name)", "start:ports!voyages_start_code_fkey(name)", "start:start_code(name)",
     "start:voyages_start_code_fkey(name)"],
)  # fmt: skip
def test_a_hint_chooses(anonymous: CallerClient, embed: str) -> None:
    rows = anonymous.rows(f"/rest/v1/voyages?select={embed}&start_code=eq.DEHAM")
    assert rows == [{"start": {"name": "Hamburg"}}]


def test_both_keys_to_one_table_stand_side_by_side(anonymous: CallerClient) -> None:
    path = "/rest/v1/voyages?select=start:ports!start_code(code),end:ports!end_code(code)"
    assert anonymous.rows(path) == [
        {"start": {"code": "DEHAM"}, "end": {"code": "NLRTM"}},
        {"start": {"code": "NLRTM"}, "end": {"code": "FRLEH"}},
    ]


def test_a_relationship_attribute_is_a_name_too(anonymous: CallerClient) -> None:
    assert anonymous.rows("/rest/v1/ports?code=eq.DEHAM&select=nation(code)") == [{"nation": {"code": "DE"}}]


def test_embed_filters_cut_the_embed_and_not_the_parents(anonymous: CallerClient) -> None:
    rows = anonymous.rows("/rest/v1/nations?select=code,ports(code)&ports.kind=eq.large")
    assert rows == [
        {"code": "DE", "ports": [{"code": "DEHAM"}]},
        {"code": "FR", "ports": [{"code": "FRLEH"}]},
        {"code": "NL", "ports": [{"code": "NLRTM"}]},
    ]
    assert anonymous.rows("/rest/v1/ports?code=eq.DEHAM&select=code,nations(code)&nations.code=eq.FR") == [
        {"code": "DEHAM", "nations": None}
    ]


def test_inner_cuts_the_parents_too(anonymous: CallerClient) -> None:
    path = "/rest/v1/nations?select=code,ports!inner(code)&ports.depth=gt.20"
    assert anonymous.rows(path) == [{"code": "NL", "ports": [{"code": "NLRTM"}]}]
    assert anonymous.get(path, prefer="count=exact").headers["content-range"] == "0-0/1"


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("select=code,ships()&ships=is.null", ["DEBRV", "FRLEH", "FRSML", "XXNOW"]),
        ("select=code,ships()&ships=not.is.null", ["DEHAM", "NLRTM"]),
        (
            "select=code,ships()&or=(ships.is.null,code.eq.DEHAM)",
            ["DEBRV", "DEHAM", "FRLEH", "FRSML", "XXNOW"],
        ),
        ("select=code,ships()&ships.tons=gt.400&ships=not.is.null", ["DEHAM", "NLRTM"]),
        ("select=code,ships()&ships.tons=gt.600&ships=is.null&code=like.DE*", ["DEBRV", "DEHAM"]),
        ("select=code,boats:ships(id)&boats=is.null&code=like.DE*", ["DEBRV"]),
    ],
)
def test_null_embeds_filter_the_parents(anonymous: CallerClient, query: str, codes: list[str]) -> None:
    assert anonymous.values(f"/rest/v1/ports?{query}", "code") == codes


def test_an_empty_embed_is_not_shown(anonymous: CallerClient) -> None:
    assert anonymous.rows("/rest/v1/ports?code=eq.DEHAM&select=code,ships()") == [{"code": "DEHAM"}]


def test_order_limit_and_offset_hold_for_each_parent(anonymous: CallerClient) -> None:
    path = "/rest/v1/nations?select=code,ports(code)&ports.order=depth.desc&ports.limit=1"
    assert [row["ports"] for row in anonymous.rows(path)] == [
        [{"code": "DEHAM"}], [{"code": "FRLEH"}], [{"code": "NLRTM"}],
    ]  # fmt: skip
    path = "/rest/v1/nations?select=code,ports(code)&ports.offset=1&ports.order=code"
    assert [row["ports"] for row in anonymous.rows(path)] == [[{"code": "DEHAM"}], [{"code": "FRSML"}], []]
    path = "/rest/v1/nations?select=code,ports(code)&ports.limit=0"
    assert [row["ports"] for row in anonymous.rows(path)] == [[], [], []]


def test_logic_reaches_embeds_at_any_depth(anonymous: CallerClient) -> None:
    path = (
        "/rest/v1/nations?code=eq.DE&select=code,ports(code,ships(name,sailors(name)))"
        "&ports.ships.or=(tons.gt.400,name.eq.Berta)&ports.ships.order=name.desc"
        "&ports.ships.sailors.name=like.P*"
    )
    assert anonymous.rows(path) == [
        {"code": "DE", "ports": [
            {"code": "DEBRV", "ships": []},
            {"code": "DEHAM", "ships": [
                {"name": "Berta", "sailors": [{"name": "Pia"}]},
                {"name": "Anna", "sailors": [{"name": "Pia"}]},
            ]},
        ]}
    ]  # fmt: skip


def test_an_aliased_embed_is_filtered_by_its_alias(anonymous: CallerClient) -> None:
    path = "/rest/v1/nations?select=code,harbours:ports(code)&harbours.limit=1&harbours.order=code.desc"
    assert [row["harbours"][0]["code"] for row in anonymous.rows(path)] == ["DEHAM", "FRSML", "NLRTM"]


def test_one_table_is_embedded_twice_under_two_names(anonymous: CallerClient) -> None:
    path = (
        "/rest/v1/nations?code=eq.DE&select=big:ports(code),small:ports(code)&big.kind=eq.large"
        "&small.kind=neq.large"
    )
    assert anonymous.rows(path) == [{"big": [{"code": "DEHAM"}], "small": [{"code": "DEBRV"}]}]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("nations?select=code&ports.code=eq.DEHAM", "PGRST108"),
        ("nations?select=code&ports.order=code", "PGRST108"),
        ("nations?select=code,ports(code)&ports=eq.1", "PGRST120"),
        ("nations?select=code,ships(name)", "PGRST200"),
        ("nations?select=code,ports!nonsense(code)", "PGRST200"),
        ("nations?select=code,ports(nonsense)", "42703"),
        ("nations?select=code,ports(code)&ports.nonsense=eq.1", "42703"),
        ("nations?select=code,ports(code),ports(name)", "PGRST100"),
    ],
)
def test_an_embed_that_means_nothing_is_refused(anonymous: CallerClient, path: str, code: str) -> None:
    problem(anonymous.get(f"/rest/v1/{path}"), 400, code)


@pytest.mark.parametrize("depth", [7, 30, 200])
def test_embeds_beyond_the_allowed_depth_are_refused(anonymous: CallerClient, depth: int) -> None:
    select = "a:sailors(" * depth + "id" + ")" * depth
    response = anonymous.get(f"/rest/v1/sailors?select={select}")
    assert response.json()["code"] in ("54000", "PGRST100")


def test_rules_of_the_embedded_table_hold_inside_an_embed(clients: dict[str, CallerClient]) -> None:
    path = "/rest/v1/ports?code=eq.DEHAM&select=voyages!start_code(title)"
    titles = {name: client.rows(path)[0]["voyages"] for name, client in clients.items()}
    summer, secret = {"title": "summer"}, {"title": "alices secret"}
    assert titles == {
        "anonymous": [summer], "publishable": [summer], "alice": [summer, secret], "bob": [summer],
        "editor": [summer], "service": [summer, secret],
    }  # fmt: skip


def test_rules_that_read_other_rows_hold_inside_an_embed(clients: dict[str, CallerClient]) -> None:
    path = "/rest/v1/ports?code=eq.DEBRV&select=stops(note)"
    assert clients["anonymous"].rows(path) == [{"stops": [{"note": "public stop"}]}]
    assert clients["bob"].rows(path) == [{"stops": [{"note": "public stop"}]}]
    assert clients["alice"].rows(path)[0]["stops"][1] == {"note": "alices private stop"}
    assert "private" not in clients["anonymous"].get("/rest/v1/stops?select=*,voyages(*)").text


def test_a_parent_that_may_not_be_seen_is_null_in_its_child(bob: CallerClient, service: CallerClient) -> None:
    secret = voyage_id(2)
    assert bob.rows(f"/rest/v1/stops?voyage_id=eq.{secret}&select=note,voyages(title)") == []
    assert service.rows(f"/rest/v1/stops?voyage_id=eq.{secret}&select=voyages(title)") == [
        {"voyages": {"title": "alices secret"}}
    ]
