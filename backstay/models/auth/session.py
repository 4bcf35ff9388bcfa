"""Sessions: one row per sign-in. Its refresh tokens are a counter here and a proof elsewhere, never rows."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from backstay.models.auth.user import User
from backstay.models.base import PLATFORM_PREFIX, Model, primary_key
from backstay.utils.clock import utc_now

MAX_AGENT_LENGTH = 300


class AuthSession(Model):
    """A sign-in that may still be used. Ending it deletes the row and leaves a line in `backstay_revocations`.

    Attributes:
        key: 32 random bytes; with the server's secret they prove refresh tokens and cookies of this session.
        counter: how often it was renewed.
        renewed_at: of the last renewal, or the sign-in; the idle lifetime counts from here.
        expires_at: the absolute lifetime, which no renewal moves.
        level: authenticator assurance level, 1 or 2.
        methods: `amr` of the access token: `{method, timestamp, provider?}`, the newest first.
        client_ip, user_agent: of the sign-in, for its owner to recognise it.
    """

    __tablename__ = f"{PLATFORM_PREFIX}sessions"

    id: Mapped[UUID] = primary_key()
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    key: Mapped[bytes] = mapped_column(LargeBinary())
    counter: Mapped[int] = mapped_column(BigInteger(), default=0)
    level: Mapped[int] = mapped_column(SmallInteger(), default=1)
    methods: Mapped[list[Any]]
    client_ip: Mapped[str] = mapped_column(String(45), default="")
    user_agent: Mapped[str] = mapped_column(String(MAX_AGENT_LENGTH), default="")
    created_at: Mapped[dt.datetime] = mapped_column(default=utc_now)
    renewed_at: Mapped[dt.datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
