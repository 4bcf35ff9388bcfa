"""Users of the application, as far as other tables need them: something to point at.

The identity feature will add what proves them; nothing here is a secret.
"""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from backstay.models.base import PLATFORM_PREFIX, Model, primary_key


class User(Model):
    """A person or program with an identity of its own. `ForeignKey(User.id)` points at it."""

    __tablename__ = f"{PLATFORM_PREFIX}users"

    id: Mapped[UUID] = primary_key()
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    created_at: Mapped[dt.datetime] = mapped_column(default=lambda: dt.datetime.now(dt.UTC))
