"""`...relation(columns)`: what is related stands in the row itself, as arrays where it may be many."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.answers import problem
from tests.callers import CallerClient


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("ports?select=code,...nations(nation:name,founded)&code=in.(DEHAM,XXNOW)",
         [{"code": "DEHAM", "nation": "Germany", "founded": "1871-01-18"},
          {"code": "XXNOW", "nation": None, "founded": None}]),
        ("ports?select=...nations(nation:name),code&order=nations(name).desc,code&limit=2",
         [{"nation": None, "code": "XXNOW"}, {"nation": "Netherlands", "code": "NLRTM"}]),
        ("ports?select=code,...nations!inner(nation:name)&nations.name=like.F*",
         [{"code": "FRLEH", "nation": "France"}, {"code": "FRSML", "nation": "France"}]),
        ("ports?select=code,...nations(nation:name)&nations.name=like.F*&code=lt.G",
         [{"code": "DEBRV", "nation": None}, {"code": "DEHAM", "nation": None},
          {"code": "FRLEH", "nation": "France"}, {"code": "FRSML", "nation": "France"}]),
        ("ports?select=code,...nations(nation:name)&nations=is.null", [{"code": "XXNOW", "nation": None}]),
        ("ports?select=nation_code,...nations(*)&code=eq.DEHAM&order=name",
         [{"nation_code": "DE", "code": "DE", "name": "Germany", "founded": "1871-01-18"}]),
        ("ships?select=name,...ports(port:name,...nations(nation:name))&id=in.(1,4)",
         [{"name": "Anna", "port": "Hamburg", "nation": "Germany"},
          {"name": "Dora", "port": None, "nation": None}]),
        ("ships?select=name,...papers(number)&id=lt.3",
         [{"name": "Anna", "number": "P-1"}, {"name": "Berta", "number": None}]),
        ("ships?select=name,...ports(is_known)&id=in.(1,4)",
         [{"name": "Anna", "is_known": True}, {"name": "Dora", "is_known": None}]),
        ("papers?select=id,...ships(name,home:ports(name))&id=eq.1",
         [{"id": 1, "name": "Anna", "home": {"name": "Hamburg"}}]),
        ("sailors?select=name,...mentor_id(mentor:name)&id=eq.2", [{"name": "Pia", "mentor": "Old Tom"}]),
        ("voyages?select=title,...start_code(a:name),...end_code(b:name)&title=eq.summer",
         [{"title": "summer", "a": "Hamburg", "b": "Rotterdam"}]),
        ("voyages?select=title,...ports!voyages_start_code_fkey(name,depth,is_deep)&title=eq.summer",
         [{"title": "summer", "name": "Hamburg", "depth": 15.1, "is_deep": True}]),
        ("moorings?select=id,...berths(length,...ports(name))&id=eq.1",
         [{"id": 1, "length": 300, "name": "Hamburg"}]),
        ("ports?select=code,...nations(),name&code=eq.DEHAM", [{"code": "DEHAM", "name": "Hamburg"}]),
    ],
)  # fmt: skip
def test_one_row_is_lifted(anonymous: CallerClient, query: str, rows: Any) -> None:
    response = anonymous.get(f"/rest/v1/{query}")
    assert response.status_code == 200, response.text
    assert response.json() == rows
    assert not rows or list(response.json()[0]) == list(rows[0])


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("nations?select=code,...ports(ports:code,depth)&order=code&limit=2",
         [{"code": "DE", "ports": ["DEBRV", "DEHAM"], "depth": [12.5, 15.1]},
          {"code": "FR", "ports": ["FRLEH", "FRSML"], "depth": [17, 0.30000000000000004]}]),
        ("nations?select=code,...ports(ports:code,depth)&ports.order=depth.desc&code=eq.DE",
         [{"code": "DE", "ports": ["DEHAM", "DEBRV"], "depth": [15.1, 12.5]}]),
        ("nations?select=code,...ports(ports:code)&ports.limit=1&ports.offset=1&code=eq.FR",
         [{"code": "FR", "ports": ["FRSML"]}]),
        ("nations?select=code,...ports(ports:code)&ports.code=eq.NOPE&code=eq.FR", [{"code": "FR", "ports": []}]),
        ("nations?select=code,...ports!inner(ports:code)&ports.kind=eq.small", [{"code": "FR", "ports": ["FRSML"]}]),
        ("nations?select=code,...ports(ports:code)&ports=not.is.null&code=eq.NL", [{"code": "NL", "ports": ["NLRTM"]}]),
        ("ships?select=name,...sailors(sailors:name)&id=in.(1,4)",
         [{"name": "Anna", "sailors": ["Old Tom", "Pia"]}, {"name": "Dora", "sailors": []}]),
        ("ports?select=code,...ships(names:name,...sailors(crews:name))&code=eq.DEHAM",
         [{"code": "DEHAM", "names": ["Anna", "Berta"], "crews": [["Old Tom", "Pia"], ["Pia"]]}]),
        ("nations?select=code,...ports(name,facts,tags,is_deep)&code=eq.FR&ports.order=code",
         [{"code": "FR", "name": ["Le Havre", "saint-malo"], "facts": [{}, None], "tags": [[], None],
           "is_deep": [True, False]}]),
        ("nations?select=...ports(p:code,ships(name))&code=eq.DE",
         [{"p": ["DEBRV", "DEHAM"], "ships": [[], [{"name": "Anna"}, {"name": "Berta"}]]}]),
        ("ships?select=name,...ports(home:name,...berths(lengths:length))&id=eq.1",
         [{"name": "Anna", "home": "Hamburg", "lengths": [200, 300]}]),
        ("ports?select=code,...ships(name,...papers(number))&code=eq.DEHAM&ships.order=name.desc",
         [{"code": "DEHAM", "name": ["Berta", "Anna"], "number": [None, "P-1"]}]),
        ("ports?select=...ships(flag),count()&code=in.(DEHAM,DEBRV,NLRTM)",
         [{"flag": ["plain"], "count": 1}, {"flag": ["red", None], "count": 1}, {"flag": [], "count": 1}]),
        ("nations?select=code,...ports(a:voyages!start_code(title))&code=eq.NL",
         [{"code": "NL", "a": [[{"title": "bobs tour"}]]}]),
    ],
)  # fmt: skip
def test_many_rows_are_arrays_in_one_order(anonymous: CallerClient, query: str, rows: Any) -> None:
    response = anonymous.get(f"/rest/v1/{query}")
    assert response.status_code == 200, response.text
    found = response.json()
    if "count()" in query:
        found, rows = (sorted(some, key=lambda row: str(row["flag"])) for some in (found, rows))
    assert found == rows


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("ports?select=name,...nations(name)", "PGRST100"),
        ("ports?select=*,...nations(founded,code)", "PGRST100"),
        ("ports?select=...nations(x:name),...ships(x:name)", "PGRST100"),
        ("ports?select=...nations(name),...nations(founded)", "PGRST100"),
        ("ports?select=...nothing(name)", "PGRST200"),
        ("ports?select=...vaults(gold)", "PGRST200"),
        ("ports?select=...voyages(title)", "PGRST201"),
        ("ports?select=...nations(nothing)", "42703"),
        ("ports?select=...nations(n:name)&n=eq.x", "42703"),
        ("ports?select=...nations(n:name)&nations=eq.x", "PGRST120"),
        ("ports?select=code,...ships(name)&order=ships(name)", "PGRST118"),
    ],
)
def test_what_cannot_be_spread_is_refused(anonymous: CallerClient, query: str, code: str) -> None:
    problem(anonymous.get(f"/rest/v1/{query}"), 300 if code == "PGRST201" else 400, code)


def test_rows_just_written_are_shown_with_their_spreads(editor: CallerClient) -> None:
    path = "/rest/v1/ships?select=name,...ports(port:name),...sailors(sailor:name)"
    made = editor.post(path, {"name": "Emma", "home_code": "NLRTM"}, prefer="return=representation")
    assert made.json() == [{"name": "Emma", "port": "Rotterdam", "sailor": []}]
    changed = editor.patch(f"{path}&id=in.(1,2)", {"home_code": "FRSML"}, prefer="return=representation")
    assert changed.json() == [
        {"name": "Anna", "port": "saint-malo", "sailor": ["Old Tom", "Pia"]},
        {"name": "Berta", "port": "saint-malo", "sailor": ["Pia"]},
    ]


def test_one_address_and_csv_show_spreads_too(anonymous: CallerClient) -> None:
    selected = "select=code,...nations(nation:name),...ships(ship:name)"
    assert anonymous.get(f"/rest/v1/ports/DEHAM?{selected}").json() == {
        "code": "DEHAM", "nation": "Germany", "ship": ["Anna", "Berta"],
    }  # fmt: skip
    text = anonymous.get(f"/rest/v1/ports?code=eq.DEHAM&{selected}", headers={"Accept": "text/csv"}).text
    assert text == 'code,nation,ship\nDEHAM,Germany,"[""Anna"",""Berta""]"'


def test_deep_spreads_of_many_rows_take_no_time(anonymous: CallerClient) -> None:
    """Each array is made by itself, so what is nested must not be made again for each that is beside it."""
    inner = "id"
    for depth in range(5):
        columns = ",".join(f"c{depth}{number}:name" for number in range(12))
        inner = f"{columns},...sailors!mentor_id({inner})"
    response = anonymous.get(f"/rest/v1/sailors?select={inner}&id=eq.1")
    assert response.status_code == 200, response.text
    assert len(response.json()[0]) == 61
