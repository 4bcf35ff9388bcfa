"""Trips that users plan and remember."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from backstay import Access, Model, User, caller, primary_key
from sqlalchemy import CheckConstraint, ForeignKey, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

if TYPE_CHECKING:
    from backend.models.airports import Airport


class Trip(Model):
    """A journey to an airport, from one day to another or the same. Private unless its owner makes it public."""

    __tablename__ = "trips"
    __table_args__ = (CheckConstraint("ends_on >= starts_on", name="dates"),)

    id: Mapped[UUID] = primary_key()
    owner_id: Mapped[UUID] = mapped_column(ForeignKey(User.id), default=caller.id, index=True)
    airport_code: Mapped[str] = mapped_column(ForeignKey("airports.icao"), index=True)
    title: Mapped[str] = mapped_column(String(120))
    starts_on: Mapped[dt.date] = mapped_column(index=True)
    ends_on: Mapped[dt.date]
    public: Mapped[bool] = mapped_column(default=False)
    cost: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    notes: Mapped[str | None]
    created_at: Mapped[dt.datetime] = mapped_column(default=lambda: dt.datetime.now(dt.UTC), index=True)

    airport: Mapped[Airport] = relationship(lazy="raise")


class TripAccess(Access, model=Trip):
    """Private to its owner, or public; what it cost stays with the owner either way."""

    read = Trip.public | (Trip.owner_id == caller.id)
    create = update = delete = Trip.owner_id == caller.id
    fields = {Trip.cost: Trip.owner_id == caller.id}
