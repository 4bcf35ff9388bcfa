"""`GET /reports/busiest` counts what its caller may read."""

from __future__ import annotations

from backstay.testing import Doors

TRIP = {"airport_code": "LOWW", "title": "Vienna", "starts_on": "2026-05-01", "nights": 3}


async def test_private_trips_count_for_their_owner_alone(doors: Doors) -> None:
    alice = await doors.user("alice@example.com")
    await alice.post("/rest/v1/trips", json=TRIP)
    await alice.post("/rest/v1/trips", json={**TRIP, "public": True})

    mine = await alice.get("/reports/busiest?year=2026")
    theirs = await doors.anonymous.get("/reports/busiest?year=2026")

    assert [airport["trips"] for airport in mine.json()] == [2]
    assert [airport["trips"] for airport in theirs.json()] == [1]
