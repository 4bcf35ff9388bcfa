"""The atlas's data as rows: ISO 3166 from pycountry, airports from airportsdata.

In charge of bringing both into the form of the tables; not of writing them. It lies outside the rooms, since the
application itself runs without these packages.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import airportsdata
import pycountry

Row = dict[str, Any]

UNLISTED = Path(__file__).with_name("unlisted_countries.toml")


def countries() -> list[Row]:
    """The countries of ISO 3166-1, and the few that airports lie in without being listed there."""
    listed = [
        {
            "code": country.alpha_2,
            "alpha3": country.alpha_3,
            "numeric": country.numeric,
            "name": country.name,
            "official_name": getattr(country, "official_name", None),
            "flag": country.flag,
        }
        for country in pycountry.countries
    ]
    codes = {row["code"] for row in listed}
    unlisted = tomllib.loads(UNLISTED.read_text("utf-8"))["countries"]
    return listed + [{"numeric": None, **row} for row in unlisted if row["code"] not in codes]


def subdivisions() -> list[Row]:
    """The subdivisions of ISO 3166-2, each one after the one it is part of."""
    rows = {
        part.code: {
            "code": part.code,
            "name": part.name,
            "type": part.type,
            "country_code": part.country_code,
            "parent_code": part.parent_code,
        }
        for part in pycountry.subdivisions
    }

    def depth(row: Row) -> int:
        parent = row["parent_code"]
        return 0 if parent is None else 1 + depth(rows[parent])

    return sorted(rows.values(), key=lambda row: (depth(row), row["code"]))


def airports(
    known_countries: set[str], records: Iterable[Mapping[str, Any]] | None = None
) -> tuple[list[Row], frozenset[str]]:
    """The airports that lie in known countries, and the codes of countries that are not known.

    Args:
        records: those of airportsdata unless given: `icao`, `iata`, `name`, `city`, `subd`, `country`, `elevation`
            in feet, `lat` and `lon` in degrees, `tz`; what is unknown is empty there and null here.
    """
    if records is None:
        records = airportsdata.load("ICAO").values()
    rows: list[Row] = []
    unknown: set[str] = set()
    for record in records:
        if record["country"] in known_countries:
            rows.append(_airport(record))
        else:
            unknown.add(record["country"])
    return rows, frozenset(unknown)


def _airport(record: Mapping[str, Any]) -> Row:
    return {
        "icao": record["icao"],
        "iata": record["iata"] or None,
        "name": _tidy(record["name"]),
        "city": _tidy(record["city"]) or None,
        "country_code": record["country"],
        "subdivision": _tidy(record["subd"]) or None,
        "elevation": round(record["elevation"]),
        "lat": record["lat"],
        "lon": record["lon"],
        "tz": record["tz"],
    }


def _tidy(text: str) -> str:
    """Without spaces at the ends, and with single ones inside."""
    return " ".join(text.split())
