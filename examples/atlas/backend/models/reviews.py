"""Reviews of airports."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from uuid import UUID

from backstay import Access, Model, User, caller, primary_key
from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

if TYPE_CHECKING:
    from backend.models.airports import Airport


class Review(Model):
    """What somebody thinks of an airport. `rating` goes from 1 to 5."""

    __tablename__ = "reviews"
    __table_args__ = (CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),)

    id: Mapped[UUID] = primary_key()
    airport_code: Mapped[str] = mapped_column(ForeignKey("airports.icao"), index=True)
    author_id: Mapped[UUID] = mapped_column(ForeignKey(User.id), default=caller.id, index=True)
    rating: Mapped[int] = mapped_column(SmallInteger, index=True)
    text: Mapped[str | None] = mapped_column(String(2000))
    created_at: Mapped[dt.datetime] = mapped_column(default=lambda: dt.datetime.now(dt.UTC), index=True)

    airport: Mapped[Airport] = relationship(lazy="raise")


class ReviewAccess(Access, model=Review):
    """Everyone reads, but only its author sees who wrote it; one writes as oneself."""

    read = True
    create = update = delete = Review.author_id == caller.id
    fields = {Review.author_id: Review.author_id == caller.id}
