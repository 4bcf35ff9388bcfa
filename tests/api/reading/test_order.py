"""`order=`: directions, nulls, related columns, and the order nobody asked for."""

from __future__ import annotations

import pytest

from tests.api.answers import problem
from tests.callers import CallerClient

PORTS = "/rest/v1/ports"


@pytest.mark.parametrize(
    ("order", "codes"),
    [
        ("code.desc", ["XXNOW", "NLRTM", "FRSML", "FRLEH", "DEHAM", "DEBRV"]),
        ("depth", ["FRSML", "DEBRV", "DEHAM", "FRLEH", "NLRTM", "XXNOW"]),
        ("depth.desc", ["XXNOW", "NLRTM", "FRLEH", "DEHAM", "DEBRV", "FRSML"]),
        ("depth.desc.nullslast", ["NLRTM", "FRLEH", "DEHAM", "DEBRV", "FRSML", "XXNOW"]),
        ("depth.nullsfirst", ["XXNOW", "FRSML", "DEBRV", "DEHAM", "FRLEH", "NLRTM"]),
        ("depth.asc.nullslast", ["FRSML", "DEBRV", "DEHAM", "FRLEH", "NLRTM", "XXNOW"]),
        ("nation_code,depth.desc", ["DEHAM", "DEBRV", "FRLEH", "FRSML", "NLRTM", "XXNOW"]),
        ("kind.desc.nullslast,code.desc", ["NLRTM", "FRLEH", "DEHAM", "DEBRV", "FRSML", "XXNOW"]),
        ("name", ["XXNOW", "DEBRV", "DEHAM", "FRLEH", "NLRTM", "FRSML"]),
        ("facts->cranes.desc.nullslast", ["NLRTM", "DEHAM", "DEBRV", "FRLEH", "FRSML", "XXNOW"]),
        ("facts->>cranes.nullslast", ["NLRTM", "DEBRV", "DEHAM", "FRLEH", "FRSML", "XXNOW"]),
    ],
)
def test_rows_come_in_the_order_asked_for(anonymous: CallerClient, order: str, codes: list[str]) -> None:
    assert anonymous.values(f"{PORTS}?order={order}&select=code", "code") == codes


def test_without_an_order_rows_come_by_primary_key(anonymous: CallerClient) -> None:
    assert anonymous.values(PORTS, "code") == ["DEBRV", "DEHAM", "FRLEH", "FRSML", "NLRTM", "XXNOW"]
    berths = anonymous.rows("/rest/v1/berths?select=port_code,number")
    assert [(b["port_code"], b["number"]) for b in berths] == [("DEHAM", 1), ("DEHAM", 2), ("NLRTM", 1)]


def test_equal_rows_stand_by_primary_key_so_that_pages_never_overlap(anonymous: CallerClient) -> None:
    seen = [
        code
        for offset in range(6)
        for code in anonymous.values(f"{PORTS}?order=kind&limit=1&offset={offset}", "code")
    ]
    assert sorted(seen) == ["DEBRV", "DEHAM", "FRLEH", "FRSML", "NLRTM", "XXNOW"]


def test_text_is_ordered_by_code_point_on_both_engines(editor: CallerClient) -> None:
    names = ["ä", "z", "Z", "a", "É", "é", "_", "\U0001f6a2", "ﬀ", "10", "9"]
    editor.post("/rest/v1/sailors", [{"name": name} for name in names])
    found = editor.values("/rest/v1/sailors?id=gt.4&order=name", "name")
    assert found == sorted(names)
    assert editor.values("/rest/v1/sailors?id=gt.4&name=gt.z&order=name.desc", "name") == sorted(
        (name for name in names if name > "z"), reverse=True
    )


def test_a_related_column_orders_parents_to_one(anonymous: CallerClient) -> None:
    path = "/rest/v1/ports?select=code,nations(name)&order=nations(name).desc.nullslast,code"
    assert anonymous.values(path, "code") == ["NLRTM", "DEBRV", "DEHAM", "FRLEH", "FRSML", "XXNOW"]


def test_a_related_exact_number_orders_by_value_and_not_as_text(
    service: CallerClient, alice: CallerClient
) -> None:
    path = "/rest/v1/stops?select=id,voyages(cost)&order=voyages(cost)"
    assert service.values(path, "id") == [2, 1, 3]
    assert alice.values(path, "id") == [2, 1]


def test_a_related_order_needs_a_relation_to_one(anonymous: CallerClient) -> None:
    problem(anonymous.get("/rest/v1/nations?select=*,ports(code)&order=ports(code)"), 400, "PGRST118")


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ("nonsense", "42703"),
        ("code.up", "PGRST100"),
        ("code.asc.first", "PGRST100"),
        ("code,,name", "PGRST100"),
        ("nations(name)", "PGRST108"),
        ("tags", "42883"),
    ],
)
def test_an_order_that_means_nothing_is_refused(anonymous: CallerClient, order: str, code: str) -> None:
    problem(anonymous.get(f"{PORTS}?order={order}"), 400, code)
