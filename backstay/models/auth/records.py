"""What identity keeps about attempts: how often somebody tries, and what happened."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import Float, String
from sqlalchemy.orm import Mapped, mapped_column

from backstay.models.base import PLATFORM_PREFIX, Model, primary_key
from backstay.utils.clock import utc_now


class Throttle(Model):
    """A limiter's state for one key: the time, in Unix seconds, at which it will be as if never used (GCRA).

    Attributes:
        key: a digest, so that the table names nobody.
    """

    __tablename__ = f"{PLATFORM_PREFIX}throttles"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    until: Mapped[float] = mapped_column(Float(53), index=True)


class AuditEntry(Model):
    """One event of identity. The database refuses to change or remove it.

    Attributes:
        event: such as `user_signed_in`.
        actor: who did it: a user's id, or `anonymous`, `service`, `cli`.
        user_id: whom it is about. Points at nobody, since it outlives them.
        details: nothing that proves anything: no password, code, token or key.
    """

    __tablename__ = f"{PLATFORM_PREFIX}audit_log"

    id: Mapped[UUID] = primary_key()
    created_at: Mapped[dt.datetime] = mapped_column(default=utc_now, index=True)
    event: Mapped[str] = mapped_column(String(60))
    actor: Mapped[str] = mapped_column(String(40))
    user_id: Mapped[UUID | None] = mapped_column(index=True)
    session_id: Mapped[UUID | None]
    request_id: Mapped[str] = mapped_column(String(128), default="")
    client_ip: Mapped[str] = mapped_column(String(45), default="")
    details: Mapped[dict[str, Any]]
