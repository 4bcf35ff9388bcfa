"""Aggregates, groups, orders of groups, spreads and computed fields tell nothing that a plain select would not.

What reads the hidden `ports.earnings` is answered like what reads a column that nobody has. What reads `voyages.cost`,
which is its owner's, takes it for null in the rows of others.
"""

from __future__ import annotations

from decimal import Decimal
from json import loads
from typing import Any

import pytest

from backstay.models.access.caller import ANONYMOUS, Caller
from backstay.repositories.repository import Repository
from tests.api.answers import problem
from tests.api.harbour import Harbour
from tests.api.models import Port, Voyage
from tests.api.seed import BOB
from tests.callers import CallerClient

ABSENT = "nothing"

READS = (
    "ports?select={0}.sum()",
    "ports?select={0}.count()",
    "ports?select=a:{0}::text.max()::text",
    "ports?select={0}->x.count()",
    "ports?select={0},count()",
    "ports?select=nation_code,count()&order={0}",
    "ports?select=nation_code,count()&{0}=gt.100",
    "nations?select=code,ports({0}.sum())",
    "nations?select=code,ports(kind,count())&ports.order={0}",
    "nations?select=code,ports(count())&ports.{0}=gt.100",
    "nations?select=code,...ports({0})",
    "nations?select=n:code,...ports(code)&ports.order={0}",
    "nations?select=n:code,...ports(code)&ports.{0}=is.null",
    "ships?select=id,...ports({0})",
    "ships?select=count(),...ports({0})",
    "ships?select=count(),...ports(x:{0}.max())",
    "ships?select=id,...ports(name)&ports.{0}=gt.100",
    "ships?select=id,...ports(name)&order=ports({0})",
    "ships?select=count(),...ports(code)&order=ports({0})",
    "ports?{0}=eq.18000",
    "ports?order={0}",
    "ports?or=({0}.gt.1,code.eq.DEHAM)",
    "ports/DEHAM?select={0}",
)


def _said(response: Any, name: str) -> tuple[int, str]:
    document = response.json()
    document.pop("request_id")
    return response.status_code, str(document).replace(name, "")


@pytest.mark.parametrize("hidden", ["earnings", "twice"])
@pytest.mark.parametrize("path", READS)
def test_what_is_hidden_does_not_exist(stranger: CallerClient, path: str, hidden: str) -> None:
    answers = [_said(stranger.get(f"/rest/v1/{path.format(name)}"), name) for name in (hidden, ABSENT)]
    assert answers[0] == answers[1]
    assert answers[0][0] == 400
    assert "9000" not in answers[0][1]


@pytest.mark.parametrize("path", [read for read in READS if "->" not in read])
def test_an_editor_is_answered(editor: CallerClient, path: str) -> None:
    for name in ("earnings", "twice"):
        response = editor.get(f"/rest/v1/{path.format(name)}")
        # Only what is not grouped by cannot order groups, whoever asks.
        assert response.status_code == 200 or response.json()["code"] == "42803", response.text


def test_writing_a_computed_field_tells_nothing_either(editor: CallerClient, alice: CallerClient) -> None:
    answers = [alice.patch("/rest/v1/ports?code=eq.DEHAM", {name: 1}) for name in ("twice", ABSENT)]
    assert _said(answers[0], "twice") == _said(answers[1], ABSENT)
    problem(editor.patch("/rest/v1/ports?code=eq.DEHAM", {"twice": 1}), 400, "428C9")


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("select=cost.sum(),n:count(),seen:cost.count()", [{"sum": 1055.54, "n": 3, "seen": 2}]),
        ("select=cost.max(),least:cost.min(),mean:cost.avg()&public=is.true", [{"max": 55.55, "least": 55.55, "mean": 55.55}]),
        ("select=cost,count()", [{"cost": 55.55, "count": 1}, {"cost": 999.99, "count": 1}, {"cost": None, "count": 1}]),
        ("select=cost,count()&order=cost.desc.nullsfirst&limit=1", [{"cost": None, "count": 1}]),
        ("select=tax.sum(),n:tax.count()", [{"sum": 2111.08, "n": 2}]),
        ("select=tax&tax=gt.0&order=tax", [{"tax": 111.10}, {"tax": 1999.98}]),
        ("select=tax,public&tax=is.null", [{"tax": None, "public": True}]),
        ("select=title&tax=eq.201", []),
    ],
)  # fmt: skip
def test_what_is_masked_is_null(bob: CallerClient, query: str, rows: Any) -> None:
    found = bob.rows(f"/rest/v1/voyages?{query}")
    for row in found:
        if "mean" in row:
            row["mean"] = round(row["mean"], 2)
    assert found == rows


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("ports?code=eq.DEHAM&select=...voyages!start_code(cost,tax)", [{"cost": [None], "tax": [None]}]),
        ("ports?code=eq.DEHAM&select=voyages!start_code(cost.sum(),tax.max(),n:count())",
         [{"voyages": [{"sum": None, "max": None, "n": 1}]}]),
        ("stops?id=eq.1&select=...voyages(cost,tax)", [{"cost": None, "tax": None}]),
        ("stops?select=count(),...voyages(cost)", [{"count": 1, "cost": 999.99}, {"count": 1, "cost": None}]),
        ("stops?select=count(),...voyages(cost.sum())", [{"count": 2, "sum": 999.99}]),
    ],
)  # fmt: skip
def test_what_is_masked_is_null_in_spreads(bob: CallerClient, query: str, rows: Any) -> None:
    assert bob.rows(f"/rest/v1/{query}") == rows


def test_a_field_without_its_owner_is_hidden_with_what_it_reads(anonymous: CallerClient) -> None:
    for name in ("tax", "cost", "is_open"):
        answers = [_said(anonymous.get(f"/rest/v1/voyages?select={one}"), one) for one in (name, ABSENT)]
        assert answers[0] == answers[1]


def test_a_rule_of_its_own_holds(alice: CallerClient, anonymous: CallerClient) -> None:
    assert alice.rows("/rest/v1/voyages?select=is_open,count()") == [
        {"is_open": False, "count": 1},
        {"is_open": True, "count": 2},
    ]
    problem(anonymous.get("/rest/v1/voyages?is_open=is.true"), 400, "42703")


def test_a_repository_of_ones_own_masks_computed_fields_too() -> None:
    session: Any = None
    masked, hidden = (
        str(Repository(session, Caller(id=BOB)).visible(attribute)) for attribute in (Voyage.tax, Port.twice)
    )
    assert masked.startswith("CASE WHEN (voyages.owner_id = ")
    assert hidden.startswith("CASE WHEN false")
    assert str(Repository(session, ANONYMOUS).visible(Port.name)) == "ports.name"


def test_hidden_rows_are_in_no_group(app: Harbour, clients: dict[str, CallerClient]) -> None:
    for name, count in (("anonymous", 2), ("alice", 3), ("bob", 3), ("service", 4)):
        client = clients[name]
        assert client.rows("/rest/v1/voyages?select=count()") == [{"count": count}]
        groups = loads(client.get("/rest/v1/voyages?select=start_code,count()").text, parse_float=Decimal)
        assert sum(group["count"] for group in groups) == count
        spread = client.rows("/rest/v1/ports?select=...voyages!start_code(id)")
        assert sum(len(row["id"]) for row in spread) == count


def test_what_a_computed_field_fails_on_tells_of_no_hidden_row(
    app: Harbour, alice: CallerClient, bob: CallerClient
) -> None:
    """On PostgreSQL, a filter may be tried on rows before the rules are; a failure must not get out."""
    huge = {"title": "huge", "start_code": "DEHAM", "rank": 32767}
    assert alice.post("/rest/v1/voyages", huge).status_code == 201
    assert [row["title"] for row in bob.rows("/rest/v1/voyages?select=title&risk=gt.0")] == ["summer"]
    if app.engine == "postgresql":
        problem(alice.get("/rest/v1/voyages?select=title&risk=gt.0"), 400, "22003")
