"""The application on Backstay: models and rules, nothing else. Run as a module it serves as in production.

Settings come from `BACKSTAY_*` variables (see `served.py`): environment production, access log on.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from uuid import UUID

import uvicorn
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backstay import Access, Backstay, Model, User, caller, primary_key
from backstay.config.loader import load_settings
from backstay.middleware.server import uvicorn_config


class Country(Model):
    """A country by its ISO code."""

    __tablename__ = "countries"

    code: Mapped[str] = mapped_column(String(2), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))


class Airport(Model):
    """An airport by its ICAO code."""

    __tablename__ = "airports"

    icao: Mapped[str] = mapped_column(String(4), primary_key=True)
    iata: Mapped[str | None] = mapped_column(String(3), index=True)
    name: Mapped[str] = mapped_column(String(200))
    city: Mapped[str] = mapped_column(String(100))
    country_code: Mapped[str] = mapped_column(ForeignKey("countries.code"), index=True)
    latitude: Mapped[float]
    longitude: Mapped[float]
    elevation_feet: Mapped[int]
    country: Mapped[Country] = relationship(lazy="raise")


class Trip(Model):
    """A journey of one user to one airport."""

    __tablename__ = "trips"

    id: Mapped[UUID] = primary_key()
    owner_id: Mapped[UUID] = mapped_column(ForeignKey(User.id), default=caller.id, index=True)
    airport_code: Mapped[str] = mapped_column(ForeignKey("airports.icao"), index=True)
    starts_on: Mapped[dt.date]
    public: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str | None] = mapped_column(String(1000))


class CountryAccess(Access, model=Country):
    """Public, changed by nobody."""

    read = True


class AirportAccess(Access, model=Airport):
    """Public, changed by editors."""

    read = True
    create = update = delete = caller.has_role("editor")


class TripAccess(Access, model=Trip):
    """Seen when public, otherwise the owner's alone."""

    read = Trip.public | (Trip.owner_id == caller.id)
    create = update = delete = Trip.owner_id == caller.id


MODELS = (Country, Airport, Trip)


def make_app() -> Backstay:
    """The application with the settings of the environment."""
    return Backstay(settings=load_settings(Path.cwd()), models=MODELS, title="atlas")


if __name__ == "__main__":
    app = make_app()
    uvicorn.Server(uvicorn_config(app, app.settings.http)).run()
