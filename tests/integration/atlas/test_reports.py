"""The slice of the atlas that is written by hand: same caller, rules, errors and document as what is generated."""

from __future__ import annotations

from typing import Any

import pytest

from backstay.testing import Door, Doors

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def travel(caller: Door, airport: str, *, day: str = "2026-05-01", public: bool = True) -> None:
    trip = {"airport_code": airport, "title": airport, "starts_on": day, "nights": 1, "public": public}
    answer = await caller.post("/rest/v1/trips", json=trip)
    assert answer.status_code == 201, answer.text


async def busiest(caller: Door, query: str = "year=2026") -> list[tuple[str, int]]:
    answer = await caller.get(f"/reports/busiest?{query}")
    assert answer.status_code == 200, answer.text
    return [(airport["icao"], airport["trips"]) for airport in answer.json()]


async def test_each_caller_is_told_about_the_trips_they_may_read(
    alice: Door, bob: Door, anonymous: Door, editor: Door
) -> None:
    await travel(alice, "LOWW")
    await travel(alice, "EDDM", public=False)
    await travel(alice, "EDDM", public=False)
    await travel(bob, "LSZH", public=False)

    assert await busiest(alice) == [("EDDM", 2), ("LOWW", 1)]
    assert await busiest(bob) == [("LOWW", 1), ("LSZH", 1)]
    assert await busiest(anonymous) == await busiest(editor) == [("LOWW", 1)]


async def test_a_trip_counts_in_the_year_in_which_it_starts(alice: Door) -> None:
    for day in ("2025-12-31", "2026-01-01", "2026-12-31", "2027-01-01"):
        await travel(alice, "LOWW", day=day)
    assert await busiest(alice, "year=2026") == [("LOWW", 2)]
    assert await busiest(alice, "year=1900") == []


async def test_the_busiest_come_first_then_by_code_up_to_the_limit(alice: Door) -> None:
    for airport in ("LSZH", "EDDM", "LOWW", "LOWW"):
        await travel(alice, airport)
    assert await busiest(alice) == [("LOWW", 2), ("EDDM", 1), ("LSZH", 1)]
    assert await busiest(alice, "year=2026&limit=2") == [("LOWW", 2), ("EDDM", 1)]


async def test_an_airport_is_described(alice: Door, anonymous: Door) -> None:
    await travel(alice, "LOWW")
    assert (await anonymous.get("/reports/busiest?year=2026")).json() == [
        {
            "icao": "LOWW",
            "iata": "VIE",
            "name": "Vienna International Airport",
            "city": "Vienna",
            "country_code": "AT",
            "trips": 1,
        }
    ]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "year=1899",
        "year=2101",
        "year=x",
        "year=2026&limit=0",
        "year=2026&limit=101",
        "year=99999999999999999999",
    ],
)
async def test_a_question_that_makes_no_sense_is_answered_like_all_others(
    query: str, anonymous: Door
) -> None:
    answer = await anonymous.get(f"/reports/busiest?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == "unprocessable"
    assert problem["request_id"]
    assert problem["details"][0]["path"] in ("query.year", "query.limit")


async def test_a_token_that_is_not_ours_is_refused_before_the_controller(doors: Doors) -> None:
    answer = await doors.anonymous.get(
        "/reports/busiest?year=2026", headers={"authorization": "Bearer a.b.c"}
    )
    assert answer.status_code == 401
    assert answer.json()["code"] == "PGRST301"


async def test_it_stands_in_the_document_beside_the_tables(anonymous: Door) -> None:
    document = (await anonymous.get("/openapi.json")).json()
    operation = document["paths"]["/reports/busiest"]["get"]
    assert {parameter["name"] for parameter in operation["parameters"]} == {"year", "limit"}
    assert "BusyAirport" in document["components"]["schemas"]
