"""Models with every kind of value, composite keys, self relations and all sorts of rules, apart from other tests'."""

from __future__ import annotations

import datetime as dt
import enum
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Computed,
    DateTime,
    Enum,
    ForeignKey,
    Integer,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import INT4RANGE
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from backstay.models.access.rules import Access
from backstay.models.access.terms import caller
from backstay.models.base import NAMING, Model, primary_key
from backstay.models.catalog import Catalog
from backstay.models.catalog_reading import read_catalog
from backstay.models.search import Search


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = Model.type_annotation_map


class Mood(enum.Enum):
    calm = "calm"
    wild = "wild"


class Country(Base):
    """Countries of the world."""

    __tablename__ = "countries"
    code: Mapped[str] = mapped_column(String(2), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    secret_note: Mapped[str | None]
    __table_args__ = (CheckConstraint("length(code) = 2", name="code_length"),)


class Airport(Base):
    __tablename__ = "airports"
    search = Search("name", config="english")
    icao: Mapped[str] = mapped_column(String(4), primary_key=True)
    iata: Mapped[str | None] = mapped_column(String(3), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    country_code: Mapped[str] = mapped_column(ForeignKey("countries.code"))
    lat: Mapped[float] = mapped_column(CheckConstraint("lat BETWEEN -90 AND 90", name="lat"))
    elevation: Mapped[int | None] = mapped_column(Integer)


class Trip(Base):
    __tablename__ = "trips"
    id: Mapped[UUID] = primary_key()
    owner_id: Mapped[UUID] = mapped_column(default=caller.id)
    airport_code: Mapped[str] = mapped_column(ForeignKey("airports.icao"))
    public: Mapped[bool] = mapped_column(default=False)
    cost: Mapped[Decimal | None] = mapped_column(Numeric(8, 2))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("trips.id"))


class Review(Base):
    __tablename__ = "reviews"
    trip_id: Mapped[UUID] = mapped_column(ForeignKey("trips.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    rating: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[str] = mapped_column(Text, default="draft")
    __table_args__ = (
        CheckConstraint("rating >= 1 AND rating <= 5", name="rating"),
        CheckConstraint("state IN ('draft', 'published')", name="state"),
    )


class Everything(Base):
    __tablename__ = "everything"
    id: Mapped[int] = mapped_column(primary_key=True)
    small: Mapped[int] = mapped_column(SmallInteger)
    middle: Mapped[int] = mapped_column(Integer)
    ratio: Mapped[float]
    amount: Mapped[Decimal] = mapped_column(Numeric(6, 2))
    fraction: Mapped[Decimal] = mapped_column(Numeric(2, 2))
    free: Mapped[Decimal | None]
    flag: Mapped[bool]
    token: Mapped[UUID]
    moment: Mapped[dt.datetime]
    local: Mapped[dt.datetime] = mapped_column(DateTime(timezone=False))
    day: Mapped[dt.date]
    clock: Mapped[dt.time]
    blob: Mapped[bytes | None]
    mood: Mapped[Mood | None] = mapped_column(Enum(Mood))
    data: Mapped[dict[str, Any]]
    maybe_data: Mapped[dict[str, Any] | None]
    words: Mapped[list[str]] = mapped_column(ARRAY(String(10)))
    span: Mapped[Any] = mapped_column(INT4RANGE, nullable=True)
    doubled: Mapped[int] = mapped_column(Integer, Computed("middle * 2"))
    select: Mapped[str | None] = mapped_column(String(5))
    __table_args__ = (UniqueConstraint("token", "small"),)


class Unruled(Base):
    __tablename__ = "unruled"
    id: Mapped[int] = mapped_column(primary_key=True)


class Denied(Base):
    __tablename__ = "denied"
    id: Mapped[int] = mapped_column(primary_key=True)


class CountryAccess(Access, model=Country):
    read = True
    fields = {Country.secret_note: False}


class AirportAccess(Access, model=Airport):
    read = True
    create = update = delete = caller.has_role("editor")


class TripAccess(Access, model=Trip):
    read = Trip.public | (Trip.owner_id == caller.id)
    create = update = delete = Trip.owner_id == caller.id
    fields = {Trip.cost: Trip.owner_id == caller.id}


class ReviewAccess(Access, model=Review):
    read = create = update = True


class EverythingAccess(Access, model=Everything):
    read = create = update = delete = True


class DeniedAccess(Access, model=Denied):
    read = False


MODELS: tuple[type, ...] = (Country, Airport, Trip, Review, Everything, Unruled, Denied)


def catalog() -> Catalog:
    return read_catalog(MODELS)
