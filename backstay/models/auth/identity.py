"""Identities: who somebody is at a provider. Found by issuer and subject, never by address."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backstay.models.auth.user import User
from backstay.models.base import PLATFORM_PREFIX, Model, primary_key
from backstay.utils.clock import utc_now

EMAIL_PROVIDER = "email"


class Identity(Model):
    """One way in which a user is known.

    Attributes:
        provider: its name in the settings; `email` for the address and password that we keep ourselves.
        issuer: of the subject (OpenID Connect Core section 2); `email` for our own, whose subject is the user's id.
        email: the address that the provider told, which proves nothing by itself.
        data: the provider's claims about the user.
    """

    __tablename__ = f"{PLATFORM_PREFIX}identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[UUID] = primary_key()
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    provider: Mapped[str] = mapped_column(String(50))
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    email: Mapped[str | None] = mapped_column(String(254))
    data: Mapped[dict[str, Any]]
    last_sign_in_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[dt.datetime] = mapped_column(default=utc_now, onupdate=utc_now)
