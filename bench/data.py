"""The rows every contender serves: airports of the world, their countries, and made-up trips of made-up users.

In charge of plain values. Each stack stores them through its own models.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

import airportsdata
import pycountry

Row = dict[str, Any]

BACKSTAY, HAND_WRITTEN, HELLO = "backstay", "hand-written", "hello world"
CONTENDERS = (BACKSTAY, HAND_WRITTEN, HELLO)
SEED = 20_260_101
USERS = 64
TRIPS = 20_000
SECRET = "bench-only-p4Vx9Qm2Lr7Tz1Wk8Hs5Yd3Nb6Jc0Gf"
ISSUER = "backstay"
AUDIENCE = "authenticated"
POOL_SIZE = 8


@dataclass(frozen=True, slots=True)
class Rows:
    """All of it, in an order that satisfies the foreign keys."""

    users: list[Row]
    countries: list[Row]
    airports: list[Row]
    trips: list[Row]


def make_rows() -> Rows:
    """The same rows every time: about 28,000 airports, 20,000 trips of 64 users."""
    random = Random(SEED)
    airports = sorted(map(_airport, airportsdata.load("ICAO").values()), key=lambda row: str(row["icao"]))
    users = [{"id": _uuid(random), "email": f"user{number}@example.org"} for number in range(USERS)]
    return Rows(
        users=users,
        countries=[_country(code) for code in sorted({row["country_code"] for row in airports})],
        airports=airports,
        trips=[_trip(random, users, airports) for _ in range(TRIPS)],
    )


def _airport(found: Any) -> Row:
    return {
        "icao": found["icao"],
        "iata": found["iata"] or None,
        "name": found["name"],
        "city": found["city"],
        "country_code": found["country"],
        "latitude": round(found["lat"], 4),
        "longitude": round(found["lon"], 4),
        "elevation_feet": round(found["elevation"]),
    }


def _country(code: str) -> Row:
    known = pycountry.countries.get(alpha_2=code)
    return {"code": code, "name": known.name if known is not None else code}


def _trip(random: Random, users: list[Row], airports: list[Row]) -> Row:
    return {
        "id": _uuid(random),
        "owner_id": random.choice(users)["id"],
        "airport_code": random.choice(airports)["icao"],
        "starts_on": dt.date(2026, 1, 1) + dt.timedelta(days=random.randrange(365)),
        "public": random.random() < 0.3,
        "note": random.choice(("a week off", "fuel stop", "visit", None)),
    }


def _uuid(random: Random) -> UUID:
    return UUID(int=random.getrandbits(128), version=4)
