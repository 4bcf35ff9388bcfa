"""`and`, `or` and `not`, nested."""

from __future__ import annotations

import pytest

from tests.api.answers import problem
from tests.callers import CallerClient

PORTS = "/rest/v1/ports"


@pytest.mark.parametrize(
    ("tree", "codes"),
    [
        ("or=(code.eq.DEHAM,code.eq.NLRTM)", ["DEHAM", "NLRTM"]),
        ("and=(nation_code.eq.DE,kind.eq.large)", ["DEHAM"]),
        ("not.or=(nation_code.eq.DE,nation_code.eq.FR)", ["NLRTM"]),
        ("not.and=(nation_code.eq.DE,kind.eq.large)", ["DEBRV", "FRLEH", "FRSML", "NLRTM"]),
        ("or=(and(nation_code.eq.DE,kind.eq.large),code.eq.FRSML)", ["DEHAM", "FRSML"]),
        ("or=(not.and(depth.gt.1,depth.lt.20),code.eq.XXNOW)", ["FRSML", "NLRTM", "XXNOW"]),
        ("and=(depth.gt.12,depth.lt.17)", ["DEBRV", "DEHAM"]),
        ("or=(code.in.(DEHAM,FRLEH),depth.gt.20)", ["DEHAM", "FRLEH", "NLRTM"]),
        ('or=(name.eq."Le Havre",name.eq."a,b")', ["FRLEH"]),
        ("or=(tags.cs.{oil},tags.cs.{fish,cars})", ["DEBRV", "NLRTM"]),
        ("or=(nation_code.is.null,nation_code.eq.NL)", ["NLRTM", "XXNOW"]),
        ("or=(code.not.in.(DEHAM,DEBRV,FRLEH,FRSML),code.eq.DEHAM)", ["DEHAM", "NLRTM", "XXNOW"]),
        ("or=(name.like.*burg,name.like.*dam)", ["DEHAM", "NLRTM"]),
        ("nation_code=eq.DE&or=(kind.eq.large,kind.eq.small)", ["DEHAM"]),
        ("or=(code.eq.DEHAM,code.eq.NLRTM)&or=(code.eq.DEHAM,code.eq.FRLEH)", ["DEHAM"]),
        ("or=(facts->>cranes.eq.80,facts->cranes.eq.120)", ["DEHAM", "NLRTM"]),
        ("or=(depth.eq(any).{17,24},code.eq.DEBRV)", ["DEBRV", "FRLEH", "NLRTM"]),
    ],
)
def test_a_tree_finds_the_rows_it_means_and_no_others(
    anonymous: CallerClient, tree: str, codes: list[str]
) -> None:
    assert anonymous.values(f"{PORTS}?{tree}&select=code", "code") == codes


@pytest.mark.parametrize(
    ("tree", "code"),
    [
        ("or=()", "PGRST100"),
        ("or=(code.eq.A", "PGRST100"),
        ("or=code.eq.A", "PGRST100"),
        ("or=(code.eq.A,)", "PGRST100"),
        ("or=(code.eq.A))", "PGRST100"),
        ("or=(nonsense.eq.A)", "42703"),
        ("or=(depth.eq.deep)", "22P02"),
        ("or=(xor(code.eq.A,code.eq.B))", "PGRST100"),
    ],
)
def test_a_tree_that_means_nothing_is_refused(anonymous: CallerClient, tree: str, code: str) -> None:
    problem(anonymous.get(f"{PORTS}?{tree}"), 400, code)


@pytest.mark.parametrize("depth", [5, 50, 500, 3000])
def test_a_deep_tree_is_answered_or_refused_and_never_an_accident(
    anonymous: CallerClient, depth: int
) -> None:
    tree = "and(" * depth + "code.eq.DEHAM" + ")" * depth
    response = anonymous.get(f"{PORTS}?or=({tree})&select=code")
    assert response.status_code in (200, 400, 414)
    if response.status_code == 200:
        assert response.json() == [{"code": "DEHAM"}]


def test_too_many_conditions_are_refused(anonymous: CallerClient) -> None:
    items = ",".join(["code.eq.A"] * 101)
    problem(anonymous.get(f"{PORTS}?or=({items})"), 400, "54000")
