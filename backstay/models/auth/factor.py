"""Second factors: what else a user can prove, and the codes for the day it is lost."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backstay.models.auth.user import User
from backstay.models.base import PLATFORM_PREFIX, Model, primary_key
from backstay.utils.clock import utc_now

VERIFIED = "verified"
UNVERIFIED = "unverified"


class Factor(Model):
    """One second factor.

    Attributes:
        kind: `totp`; others may come.
        sealed_secret: AES-256-GCM under the server's secret.
        last_step: the time step (RFC 6238) of the last code that was taken; that one and earlier ones are refused.
    """

    __tablename__ = f"{PLATFORM_PREFIX}factors"
    __table_args__ = (UniqueConstraint("user_id", "friendly_name"),)

    id: Mapped[UUID] = primary_key()
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    friendly_name: Mapped[str | None] = mapped_column(String(100))
    status: Mapped[str] = mapped_column(String(12), default=UNVERIFIED)
    sealed_secret: Mapped[bytes] = mapped_column(LargeBinary())
    last_step: Mapped[int] = mapped_column(BigInteger(), default=0)
    last_challenged_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[dt.datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class Challenge(Model):
    """A question for a factor, answered once and by the session that asked for it."""

    __tablename__ = f"{PLATFORM_PREFIX}challenges"

    id: Mapped[UUID] = primary_key()
    factor_id: Mapped[UUID] = mapped_column(ForeignKey(Factor.id, ondelete="CASCADE"), index=True)
    session_id: Mapped[UUID | None]
    created_at: Mapped[dt.datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)


class RecoveryCode(Model):
    """A code that stands in for a factor, once. `code_hash` is an HMAC under the server's secret."""

    __tablename__ = f"{PLATFORM_PREFIX}recovery_codes"
    __table_args__ = (UniqueConstraint("user_id", "code_hash"),)

    id: Mapped[UUID] = primary_key()
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    code_hash: Mapped[bytes] = mapped_column(LargeBinary())
    created_at: Mapped[dt.datetime] = mapped_column(default=utc_now)
