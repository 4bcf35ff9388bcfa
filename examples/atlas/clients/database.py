"""The API's types for any signed-in caller.

Made by `backstay generate python`: run it again instead of editing.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import NotRequired, TypeAlias

from pydantic import BaseModel
from typing_extensions import TypedDict


class PublicAirports(BaseModel):
    """An airport by its ICAO code. Elevation in feet, latitude and longitude in degrees, `tz` of the IANA database."""

    icao: str
    iata: str | None
    name: str
    city: str | None
    country_code: str
    subdivision: str | None
    elevation: int | None
    lat: float
    lon: float
    tz: str


class PublicAirportsInsert(TypedDict):
    icao: str
    iata: NotRequired[str | None]
    name: str
    city: NotRequired[str | None]
    country_code: str
    subdivision: NotRequired[str | None]
    elevation: NotRequired[int | None]
    lat: float
    lon: float
    tz: str


class PublicAirportsUpdate(TypedDict):
    icao: NotRequired[str]
    iata: NotRequired[str | None]
    name: NotRequired[str]
    city: NotRequired[str | None]
    country_code: NotRequired[str]
    subdivision: NotRequired[str | None]
    elevation: NotRequired[int | None]
    lat: NotRequired[float]
    lon: NotRequired[float]
    tz: NotRequired[str]


class PublicCountries(BaseModel):
    """A country. `code` is its two letters in ISO 3166-1, `alpha3` the three, `numeric` the three digits."""

    code: str
    alpha3: str
    numeric: str | None
    name: str
    official_name: str | None
    flag: str | None


class PublicCountriesInsert(TypedDict):
    code: str
    alpha3: str
    numeric: NotRequired[str | None]
    name: str
    official_name: NotRequired[str | None]
    flag: NotRequired[str | None]


class PublicCountriesUpdate(TypedDict):
    code: NotRequired[str]
    alpha3: NotRequired[str]
    numeric: NotRequired[str | None]
    name: NotRequired[str]
    official_name: NotRequired[str | None]
    flag: NotRequired[str | None]


class PublicReviews(BaseModel):
    """What somebody thinks of an airport. `rating` goes from 1 to 5."""

    id: uuid.UUID
    airport_code: str
    author_id: uuid.UUID | None
    rating: int
    text: str | None
    created_at: dt.datetime


class PublicReviewsInsert(TypedDict):
    id: NotRequired[uuid.UUID]
    airport_code: str
    author_id: NotRequired[uuid.UUID]
    rating: int
    text: NotRequired[str | None]
    created_at: NotRequired[dt.datetime]


class PublicReviewsUpdate(TypedDict):
    id: NotRequired[uuid.UUID]
    airport_code: NotRequired[str]
    author_id: NotRequired[uuid.UUID]
    rating: NotRequired[int]
    text: NotRequired[str | None]
    created_at: NotRequired[dt.datetime]


class PublicSubdivisions(BaseModel):
    """Part of a country, or of a larger part. `code` is that of ISO 3166-2, such as `DE-BY`."""

    code: str
    name: str
    type: str
    country_code: str
    parent_code: str | None


class PublicSubdivisionsInsert(TypedDict):
    code: str
    name: str
    type: str
    country_code: str
    parent_code: NotRequired[str | None]


class PublicSubdivisionsUpdate(TypedDict):
    code: NotRequired[str]
    name: NotRequired[str]
    type: NotRequired[str]
    country_code: NotRequired[str]
    parent_code: NotRequired[str | None]


class PublicTrips(BaseModel):
    """A journey to an airport, for some nights from a day on. Private unless its owner makes it public."""

    id: uuid.UUID
    owner_id: uuid.UUID
    airport_code: str
    title: str | None
    starts_on: dt.date
    nights: int | None
    public: bool
    cost: float | None
    notes: str | None
    created_at: dt.datetime


class PublicTripsInsert(TypedDict):
    id: NotRequired[uuid.UUID]
    owner_id: NotRequired[uuid.UUID]
    airport_code: str
    title: NotRequired[str | None]
    starts_on: NotRequired[dt.date]
    nights: NotRequired[int | None]
    public: NotRequired[bool]
    cost: NotRequired[float | str | None]
    notes: NotRequired[str | None]
    created_at: NotRequired[dt.datetime]


class PublicTripsUpdate(TypedDict):
    id: NotRequired[uuid.UUID]
    owner_id: NotRequired[uuid.UUID]
    airport_code: NotRequired[str]
    title: NotRequired[str | None]
    starts_on: NotRequired[dt.date]
    nights: NotRequired[int | None]
    public: NotRequired[bool]
    cost: NotRequired[float | str | None]
    notes: NotRequired[str | None]
    created_at: NotRequired[dt.datetime]


class PublicTripsPublishArgs(TypedDict):
    """Show a trip to everyone. Only its owner can, and only until it is over."""

    trip_id: uuid.UUID


class PublicTripsUpcomingArgs(TypedDict):
    """Trips that start in the next days, the soonest first, as far as the caller may read them."""

    days: NotRequired[int]


PublicTripsPublishReturns: TypeAlias = PublicTrips
PublicTripsUpcomingReturns: TypeAlias = list[PublicTrips]
