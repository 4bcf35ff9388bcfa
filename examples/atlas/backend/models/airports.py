"""Airports and airfields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstay import Access, Model, Search, caller
from sqlalchemy import CheckConstraint, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

if TYPE_CHECKING:
    from backend.models.countries import Country


class Airport(Model):
    """An airport by its ICAO code. Elevation in feet, latitude and longitude in degrees, `tz` of the IANA database."""

    __tablename__ = "airports"
    __table_args__ = (
        CheckConstraint("lat BETWEEN -90 AND 90", name="lat"),
        CheckConstraint("lon BETWEEN -180 AND 180", name="lon"),
    )

    icao: Mapped[str] = mapped_column(String(4), primary_key=True)
    iata: Mapped[str | None] = mapped_column(String(3), index=True)
    name: Mapped[str] = mapped_column(String(200), index=True)
    city: Mapped[str | None] = mapped_column(String(100), index=True)
    country_code: Mapped[str] = mapped_column(ForeignKey("countries.code"), index=True)
    subdivision: Mapped[str | None] = mapped_column(String(100))
    elevation: Mapped[int | None] = mapped_column(Integer)
    lat: Mapped[float]
    lon: Mapped[float]
    tz: Mapped[str] = mapped_column(String(50))

    search = Search("name", "city")

    country: Mapped[Country] = relationship(lazy="raise")


class AirportAccess(Access, model=Airport):
    """Everyone reads, editors write."""

    read = True
    create = update = delete = caller.has_role("editor")
