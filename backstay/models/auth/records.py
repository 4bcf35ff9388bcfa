"""What identity keeps about attempts: how often somebody tries, and what happened."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from backstay.models.base import PLATFORM_PREFIX, Model, primary_key
from backstay.utils.clock import utc_now


class Throttle(Model):
    """A limiter's state for one key (GCRA).

    Attributes:
        key: a digest, so that the table names nobody.
        until: when the key will be as if never used, in microseconds since 1970: whole, so that sums are exact.
    """

    __tablename__ = f"{PLATFORM_PREFIX}throttles"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    until: Mapped[int] = mapped_column(index=True)


class AuditEvent(StrEnum):
    """What can happen to an account."""

    USER_SIGNED_UP = "user_signed_up"
    USER_SIGNED_IN = "user_signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "signed_out"
    SESSION_REVOKED = "session_revoked"
    TOKEN_REUSED = "token_reused"
    PASSWORD_CHANGED = "password_changed"
    RECOVERY_REQUESTED = "recovery_requested"
    CODE_SENT = "code_sent"
    CODE_REFUSED = "code_refused"
    EMAIL_CONFIRMED = "email_confirmed"
    EMAIL_CHANGE_REQUESTED = "email_change_requested"
    EMAIL_CHANGED = "email_changed"
    USER_UPDATED = "user_updated"
    USER_INVITED = "user_invited"
    USER_CREATED = "user_created"
    USER_DELETED = "user_deleted"
    USER_BANNED = "user_banned"
    USER_UNBANNED = "user_unbanned"
    IDENTITY_LINKED = "identity_linked"
    IDENTITY_UNLINKED = "identity_unlinked"
    FACTOR_ENROLLED = "factor_enrolled"
    FACTOR_VERIFIED = "factor_verified"
    FACTOR_REFUSED = "factor_refused"
    FACTOR_REMOVED = "factor_removed"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    RECOVERY_CODE_USED = "recovery_code_used"
    ROLE_CREATED = "role_created"
    ROLE_CHANGED = "role_changed"
    ROLE_DELETED = "role_deleted"
    ROLE_GRANTED = "role_granted"
    ROLE_REVOKED = "role_revoked"
    API_KEY_CREATED = "api_key_created"
    API_KEY_REVOKED = "api_key_revoked"
    SIGNING_KEYS_ROTATED = "signing_keys_rotated"
    SIGNING_KEY_REVOKED = "signing_key_revoked"


class AuditEntry(Model):
    """One event of identity. The database refuses to change or remove it.

    Attributes:
        event: such as `user_signed_in`.
        actor: who did it: a user's id, `key:` and the id of an API key, or `service`, `anonymous`, `cli`.
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
