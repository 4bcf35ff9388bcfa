"""Relations over tables between: with a model and its rules, and plain ones that a `relationship()` declares."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.answers import problem
from tests.callers import CallerClient


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("sailors?select=name,loved(code)&loved.order=code.desc&id=lt.3",
         [{"name": "Old Tom", "loved": [{"code": "NLRTM"}, {"code": "DEHAM"}]},
          {"name": "Pia", "loved": [{"code": "NLRTM"}]}]),
        ("sailors?select=name,ports(code,nations(name))&id=eq.2",
         [{"name": "Pia", "ports": [{"code": "NLRTM", "nations": {"name": "Netherlands"}}]}]),
        ("sailors?select=name,ports!favourites(code)&id=eq.3", [{"name": "Quinn", "ports": []}]),
        ("sailors?select=name,loved!inner(code)&loved.code=eq.DEHAM",
         [{"name": "Old Tom", "loved": [{"code": "DEHAM"}]}]),
        ("sailors?select=name,...loved(codes:code)&id=eq.1", [{"name": "Old Tom", "codes": ["DEHAM", "NLRTM"]}]),
        ("sailors?select=name,loved(count())&loved=is.null&order=id&limit=1",
         [{"name": "Quinn", "loved": [{"count": 0}]}]),
        ("ships?select=name,sailors(name)&sailors.order=name&id=eq.1",
         [{"name": "Anna", "sailors": [{"name": "Old Tom"}, {"name": "Pia"}]}]),
        ("sailors?select=name,ships(name)&id=eq.2", [{"name": "Pia", "ships": [{"name": "Anna"}, {"name": "Berta"}]}]),
        ("sailors?select=name,pupils:sailors(name)&id=eq.1",
         [{"name": "Old Tom", "pupils": [{"name": "Pia"}, {"name": "Quinn"}]}]),
        ("sailors?select=name,mentor:mentor_id(name,mentor:mentor_id(name))&id=eq.4",
         [{"name": "Rosa", "mentor": {"name": "Pia", "mentor": {"name": "Old Tom"}}}]),
        ("ships?select=name,papers(number)&id=lt.3",
         [{"name": "Anna", "papers": {"number": "P-1"}}, {"name": "Berta", "papers": None}]),
    ],
)  # fmt: skip
def test_they_are_followed(anonymous: CallerClient, query: str, rows: Any) -> None:
    response = anonymous.get(f"/rest/v1/{query}")
    assert response.status_code == 200, response.text
    assert response.json() == rows


@pytest.mark.parametrize(
    "query",
    [
        "favourites",  # it has no rules, and so is not served
        "sailors?select=favourites(port_code)",
        "ports?select=code,sailors(name)",  # nothing declares the way back
        "ports?select=code,favourites(*)",
        "sailors?select=loved!crews(code)",
    ],
)
def test_nothing_else_follows_from_a_table_without_a_model(service: CallerClient, query: str) -> None:
    response = service.get(f"/rest/v1/{query}")
    problem(response, 404 if "?" not in query else 400, "PGRST205" if "?" not in query else "PGRST200")


def test_several_ways_are_all_named(anonymous: CallerClient) -> None:
    document = problem(anonymous.get("/rest/v1/ports?select=voyages(id)"), 300, "PGRST201")
    assert [one["cardinality"] for one in document["details"]] == ["one-to-many", "one-to-many"]
    for hint in ("voyages_start_code_fkey", "voyages_end_code_fkey"):
        assert hint in document["hint"]
        assert anonymous.get(f"/rest/v1/ports?select=voyages!{hint}(id)").status_code == 200
