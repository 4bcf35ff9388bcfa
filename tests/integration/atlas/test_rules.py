"""Who sees and changes what in the atlas, asked by address as every kind of caller."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from backstay.testing import Door

pytestmark = pytest.mark.asyncio(loop_scope="session")

VIENNA = {
    "airport_code": "LOWW",
    "title": "Vienna",
    "starts_on": "2026-05-01",
    "nights": 3,
    "cost": "412.50",
}
REVIEW = {"airport_code": "LOWW", "rating": 4, "text": "Short ways."}
RETURNED = {"Prefer": "return=representation"}


async def add(caller: Door, table: str, row: dict[str, Any]) -> dict[str, Any]:
    """Insert a row and return it as its writer sees it."""
    answer = await caller.post(f"/rest/v1/{table}", json=row, headers=RETURNED)
    assert answer.status_code == 201, answer.text
    (made,) = answer.json()
    return dict(made)


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"]


async def test_everyone_reads_places_with_their_embeds(anonymous: Door, alice: Door, editor: Door) -> None:
    for caller in (anonymous, alice, editor):
        answer = await caller.get(
            "/rest/v1/airports?icao=eq.LOWW&select=icao,iata,city,country:countries(name,flag)"
        )
        austria = {"name": "Austria", "flag": "🇦🇹"}
        assert answer.json() == [{"icao": "LOWW", "iata": "VIE", "city": "Vienna", "country": austria}]


async def test_the_subdivisions_of_a_country_are_listed_in_the_order_of_their_codes(anonymous: Door) -> None:
    parts = await anonymous.get("/rest/v1/subdivisions?country_code=eq.AT&select=code&order=code&limit=2")
    assert parts.json() == [{"code": "AT-1"}, {"code": "AT-2"}]


async def test_an_airport_without_a_listed_country_of_iso_3166_is_there_with_the_one_we_added(
    anonymous: Door,
) -> None:
    answer = await anonymous.get(
        "/rest/v1/airports?country_code=eq.XK&select=icao,countries(name)&order=icao&limit=1"
    )
    assert answer.json() == [{"icao": "BKPR", "countries": {"name": "Kosovo"}}]


@pytest.mark.parametrize("table", ["countries", "subdivisions", "airports"])
async def test_only_editors_change_places(table: str, alice: Door, anonymous: Door, editor: Door) -> None:
    key = {"countries": "AT", "subdivisions": "AT-9", "airports": "LOWW"}[table]
    path = f"/rest/v1/{table}/{key}"
    before = (await anonymous.get(path)).json()
    for stranger in (alice, anonymous):
        answer = await stranger.patch(path, json={"name": "Mine"})
        assert answer.status_code in (401, 403, 404), answer.text
        assert (await stranger.delete(path)).status_code in (401, 403, 404)
    assert (await anonymous.get(path)).json() == before

    assert (await editor.patch(path, json={"name": "Renamed"})).status_code in (200, 204)
    assert (await anonymous.get(path)).json() == {**before, "name": "Renamed"}
    await editor.patch(path, json={"name": before["name"]})
    assert (await anonymous.get(path)).json() == before


async def test_a_private_trip_is_its_owners_alone_in_lists_counts_embeds_and_by_id(
    alice: Door, bob: Door, anonymous: Door, editor: Door
) -> None:
    trip = await add(alice, "trips", VIENNA)
    assert trip["public"] is False

    assert [row["id"] for row in (await alice.get("/rest/v1/trips")).json()] == [trip["id"]]
    for stranger in (bob, anonymous, editor):
        answer = await stranger.get("/rest/v1/trips", headers={"Prefer": "count=exact"})
        assert answer.json() == []
        assert answer.headers["content-range"] == "*/0"
        assert (await stranger.get(f"/rest/v1/trips/{trip['id']}")).status_code == 404
        embedded = await stranger.get("/rest/v1/airports?icao=eq.LOWW&select=icao,trips(title)")
        assert embedded.json() == [{"icao": "LOWW", "trips": []}]


async def test_the_cost_of_a_public_trip_stays_with_its_owner_in_every_position(
    alice: Door, bob: Door, anonymous: Door
) -> None:
    trip = await add(alice, "trips", {**VIENNA, "public": True})

    assert (await alice.get("/rest/v1/trips?select=title,cost")).json() == [
        {"title": "Vienna", "cost": 412.5}
    ]
    seen = await bob.get(f"/rest/v1/trips/{trip['id']}")
    assert seen.json()["cost"] is None
    assert "412.5" not in seen.text
    for query in ("cost=eq.412.50", "cost=gt.1", "cost=not.is.null", "or=(cost.gt.1,cost.lt.0)"):
        assert (await bob.get(f"/rest/v1/trips?{query}")).json() == [], query
        assert (await alice.get(f"/rest/v1/trips?{query}")).json() != [], query

    plain = await anonymous.get("/rest/v1/trips")
    assert plain.json()[0]["title"] == "Vienna"
    assert "cost" not in plain.text
    hidden = await anonymous.get("/rest/v1/trips?select=cost")
    absent = await anonymous.get("/rest/v1/trips?select=csot")
    refused(hidden, 400, "42703")
    assert hidden.json()["message"] == absent.json()["message"].replace("csot", "cost")
    refused(await anonymous.get("/rest/v1/trips?cost=gt.1"), 400, "42703")
    refused(await anonymous.get("/rest/v1/trips?order=cost"), 400, "42703")


async def test_trips_are_written_as_oneself(alice: Door, bob: Door, anonymous: Door) -> None:
    trip = await add(alice, "trips", {**VIENNA, "public": True})
    stranger = await add(bob, "trips", VIENNA)
    assert trip["owner_id"] != stranger["owner_id"]

    refused(await bob.post("/rest/v1/trips", json={**VIENNA, "owner_id": trip["owner_id"]}), 403, "42501")
    refused(await anonymous.post("/rest/v1/trips", json=VIENNA), 401, "42501")
    gift = await alice.patch(f"/rest/v1/trips/{trip['id']}", json={"owner_id": stranger["owner_id"]})
    refused(gift, 403, "42501")
    answer = await bob.patch(f"/rest/v1/trips?id=eq.{trip['id']}", json={"title": "Mine"}, headers=RETURNED)
    assert answer.json() == []
    assert (await bob.delete(f"/rest/v1/trips/{trip['id']}")).status_code in (403, 404)
    assert (await alice.get(f"/rest/v1/trips/{trip['id']}")).json() == trip


async def test_reviews_are_everyones_to_read_and_do_not_say_who_wrote_them(
    alice: Door, bob: Door, anonymous: Door
) -> None:
    review = await add(alice, "reviews", REVIEW)
    author = review["author_id"]

    assert (await alice.get(f"/rest/v1/reviews?author_id=eq.{author}")).json() == [review]
    for query in ("", "?select=*", "?select=rating,airports(name,reviews(*))"):
        for stranger in (bob, anonymous):
            answer = await stranger.get(f"/rest/v1/reviews{query}")
            assert answer.json()[0]["rating"] == 4
            assert author not in answer.text
    assert (await bob.get(f"/rest/v1/reviews?author_id=eq.{author}")).json() == []
    refused(await anonymous.get(f"/rest/v1/reviews?author_id=eq.{author}"), 400, "42703")
    refused(await anonymous.get("/rest/v1/reviews?select=author_id"), 400, "42703")


async def test_reviews_are_written_as_oneself(alice: Door, bob: Door, anonymous: Door) -> None:
    review = await add(alice, "reviews", REVIEW)
    answer = await bob.post("/rest/v1/reviews", json={**REVIEW, "author_id": review["author_id"]})
    assert answer.status_code in (400, 403), answer.text
    refused(await anonymous.post("/rest/v1/reviews", json=REVIEW), 401, "42501")
    assert (await bob.delete(f"/rest/v1/reviews/{review['id']}")).status_code in (403, 404)
    assert (await alice.get("/rest/v1/reviews")).json() == [review]


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("trips", {**VIENNA, "nights": -1}),
        ("trips", {**VIENNA, "cost": "123456789.00"}),
        ("trips", {**VIENNA, "airport_code": "ZZZZ"}),
        ("trips", {**VIENNA, "starts_on": "2026-02-30"}),
        ("reviews", {**REVIEW, "rating": 6}),
        ("reviews", {**REVIEW, "rating": 0}),
        ("reviews", {**REVIEW, "text": "x" * 2001}),
    ],
)
async def test_a_row_that_breaks_a_rule_of_its_table_is_refused(
    table: str, row: dict[str, Any], alice: Door
) -> None:
    answer = await alice.post(f"/rest/v1/{table}", json=row)
    assert 400 <= answer.status_code < 500, answer.text
    assert (await alice.get(f"/rest/v1/{table}")).json() == []
