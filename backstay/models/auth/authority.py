"""What every process has to know to judge a token: the signing keys, and what stopped being true before it expired."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from backstay.models.base import PLATFORM_PREFIX, Model, primary_key
from backstay.utils.clock import utc_now


class StoredKey(Model):
    """A signing key as `services/auth/key_ring.py` describes it: the public half in clear, the private one sealed."""

    __tablename__ = f"{PLATFORM_PREFIX}signing_keys"
    # Of processes that start together, one makes the first key.
    __table_args__ = (
        Index(
            "ix_backstay_signing_keys_current",
            "state",
            unique=True,
            sqlite_where=text("state = 'current'"),
            postgresql_where=text("state = 'current'"),
        ),
    )

    kid: Mapped[str] = mapped_column(String(64), primary_key=True)
    algorithm: Mapped[str] = mapped_column(String(10))
    public: Mapped[dict[str, Any]]
    sealed_private: Mapped[bytes] = mapped_column(LargeBinary())
    state: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[dt.datetime] = mapped_column(default=utc_now)
    retired_at: Mapped[dt.datetime | None]


class Revocation(Model):
    """Something that tokens say and that is true no longer. Written in the transaction that made it untrue.

    One of the ids is set; or none, and the signing keys have changed.

    Attributes:
        authority: of a user: tokens made under a smaller number are meant.
        grants: `{"roles": [], "permissions": []}` to read those tokens with from now on, and `"aal": 1` in it when
            they have lost their second factor; None refuses them.
    """

    __tablename__ = f"{PLATFORM_PREFIX}revocations"

    id: Mapped[UUID] = primary_key()
    created_at: Mapped[dt.datetime] = mapped_column(default=utc_now, index=True)
    user_id: Mapped[UUID | None]
    session_id: Mapped[UUID | None]
    api_key_id: Mapped[UUID | None]
    authority: Mapped[int | None] = mapped_column(BigInteger())
    grants: Mapped[dict[str, Any] | None] = mapped_column(JSON())
