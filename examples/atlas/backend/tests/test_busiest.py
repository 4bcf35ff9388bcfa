"""`GET /reports/busiest` counts what its caller may read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from backstay import Backstay
from backstay.testing import Doors, doors_of

TRIP = {"airport_code": "LOWW", "title": "Vienna", "starts_on": "2026-05-01", "nights": 3}
AUSTRIA = {"code": "AT", "alpha3": "AUT", "name": "Austria"}
VIENNA = {
    "icao": "LOWW",
    "name": "Vienna",
    "country_code": "AT",
    "lat": 48.1,
    "lon": 16.6,
    "tz": "Europe/Vienna",
}


@pytest.fixture
async def doors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Doors]:
    monkeypatch.setenv("BACKSTAY_DATA_FOLDER", str(tmp_path))
    app = Backstay("backend")
    await app.migrations.up()
    async with doors_of(app) as doors:
        editor = await doors.user("eve@example.com", roles=["editor"])
        for table, row in (("countries", AUSTRIA), ("airports", VIENNA)):
            answer = await editor.post(f"/rest/v1/{table}", json=row)
            assert answer.status_code == 201, answer.text
        yield doors


async def test_private_trips_count_for_their_owner_alone(doors: Doors) -> None:
    alice = await doors.user("alice@example.com")
    await alice.post("/rest/v1/trips", json=TRIP)
    await alice.post("/rest/v1/trips", json={**TRIP, "public": True})

    mine = await alice.get("/reports/busiest?year=2026")
    theirs = await doors.anonymous.get("/reports/busiest?year=2026")

    assert [airport["trips"] for airport in mine.json()] == [2]
    assert [airport["trips"] for airport in theirs.json()] == [1]
