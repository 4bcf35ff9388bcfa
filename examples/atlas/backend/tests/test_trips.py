"""What trips mean beyond their rows: titles, bounds, `trips.publish` and `trips.upcoming`."""

from __future__ import annotations

import datetime as dt
from typing import Any

from backstay.testing import Door, Doors

TODAY = dt.datetime.now(dt.UTC).date()
RETURNED = {"Prefer": "return=representation"}


async def plan(caller: Door, days: int, **more: Any) -> dict[str, Any]:
    trip = {"airport_code": "LOWW", "starts_on": str(TODAY + dt.timedelta(days)), **more}
    answer = await caller.post("/rest/v1/trips", json=trip, headers=RETURNED)
    assert answer.status_code == 201, answer.text
    return dict(answer.json()[0])


async def test_a_trip_is_titled_and_starts_within_reason(doors: Doors) -> None:
    alice = await doors.user("alice@example.com")
    assert (await plan(alice, 1))["title"] == "To LOWW"
    assert (await plan(alice, 1, title="  Vienna "))["title"] == "Vienna"
    far = {"airport_code": "LOWW", "starts_on": str(TODAY + dt.timedelta(3000))}
    answer = await alice.post("/rest/v1/trips", json=far)
    assert answer.json()["details"][0]["path"] == "starts_on"


async def test_only_its_owner_publishes_a_trip_that_is_not_over(doors: Doors) -> None:
    alice, bob = await doors.user("alice@example.com"), await doors.user("bob@example.com")
    trip, over = await plan(alice, 3, nights=2), await plan(alice, -9, nights=2)
    publish = "/functions/v1/trips.publish"
    assert (await bob.post(publish, json={"trip_id": trip["id"]})).status_code == 404
    assert (await doors.anonymous.post(publish, json={"trip_id": trip["id"]})).status_code == 404
    assert (await alice.post(publish, json={"trip_id": over["id"]})).json()["code"] == "trip_is_over"
    assert (await alice.post(publish, json={"trip_id": trip["id"]})).json()["public"] is True

    await plan(alice, 2)
    seen = await doors.anonymous.get("/rest/v1/rpc/trips.upcoming?days=7&select=title,airports(name)")
    assert seen.json() == [{"title": "To LOWW", "airports": {"name": "Vienna"}}]
    assert len((await alice.get("/functions/v1/trips.upcoming")).json()) == 2
