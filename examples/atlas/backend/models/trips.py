"""Trips that users plan and remember."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from backstay import Access, Model, Search, User, caller, primary_key
from sqlalchemy import CheckConstraint, ForeignKey, Numeric, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

if TYPE_CHECKING:
    from backend.models.airports import Airport


class Trip(Model):
    """A journey to an airport, for some nights from a day on. Private unless its owner makes it public."""

    __tablename__ = "trips"
    __table_args__ = (CheckConstraint("nights BETWEEN 0 AND 365", name="nights"),)

    id: Mapped[UUID] = primary_key()
    owner_id: Mapped[UUID] = mapped_column(ForeignKey(User.id), default=caller.id, index=True)
    airport_code: Mapped[str] = mapped_column(ForeignKey("airports.icao"), index=True)
    title: Mapped[str | None] = mapped_column(String(120))
    starts_on: Mapped[dt.date] = mapped_column(default=lambda: dt.datetime.now(dt.UTC).date(), index=True)
    nights: Mapped[int | None] = mapped_column(SmallInteger)
    public: Mapped[bool] = mapped_column(default=False)
    cost: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    notes: Mapped[str | None]
    created_at: Mapped[dt.datetime] = mapped_column(default=lambda: dt.datetime.now(dt.UTC), index=True)

    search = Search("title", "notes", config="english")

    airport: Mapped[Airport] = relationship(lazy="raise")


class TripAccess(Access, model=Trip):
    """Private to its owner, or public; what it cost stays with the owner either way."""

    read = Trip.public | (Trip.owner_id == caller.id)
    create = update = delete = Trip.owner_id == caller.id
    fields = {Trip.cost: Trip.owner_id == caller.id}
