"""Users of the application: something that other tables point at, and what the identity feature knows of them.

In charge of one row per account. How somebody proves to be that account is in the tables beside this one.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Boolean, SmallInteger, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from backstay.models.base import PLATFORM_PREFIX, Model, primary_key
from backstay.utils.clock import utc_now

HASH_LENGTH = 255
# In place of a hash, and the hash of no password: of an address that nobody has confirmed, two passwords were given.
DISPUTED = "*"
_EMPTY_OBJECT = text("'{}'")


class User(Model):
    """A person or program with an identity of its own. `ForeignKey(User.id)` points at it.

    Attributes:
        email: as its owner typed it; mail goes here. Compared by `email_key` alone (`addresses.py`).
        new_email, new_email_key: the address that a change under way leads to.
        email_change_confirmed: which of the two addresses have agreed to it: 0 none, 1 the old one, 2 the new one.
        authority: counts up whenever what access tokens say of this user stops being true. A token carries the number
            it was made under (`repositories/auth/revocations.py`).
        user_metadata: the user can write it; no rule should trust it. `app_metadata` is the operator's.
    """

    __tablename__ = f"{PLATFORM_PREFIX}users"

    id: Mapped[UUID] = primary_key()
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    email_key: Mapped[str | None] = mapped_column(String(254), unique=True, index=True)
    password_hash: Mapped[str | None] = mapped_column(String(HASH_LENGTH))
    email_confirmed_at: Mapped[dt.datetime | None]
    invited_at: Mapped[dt.datetime | None]
    confirmation_sent_at: Mapped[dt.datetime | None]
    recovery_sent_at: Mapped[dt.datetime | None]
    reauthentication_sent_at: Mapped[dt.datetime | None]
    new_email: Mapped[str | None] = mapped_column(String(254))
    new_email_key: Mapped[str | None] = mapped_column(String(254), index=True)
    email_change_sent_at: Mapped[dt.datetime | None]
    email_change_confirmed: Mapped[int] = mapped_column(SmallInteger(), default=0, server_default="0")
    last_sign_in_at: Mapped[dt.datetime | None]
    banned_until: Mapped[dt.datetime | None]
    deleted_at: Mapped[dt.datetime | None]
    is_anonymous: Mapped[bool] = mapped_column(Boolean(), default=False, server_default=false())
    authority: Mapped[int] = mapped_column(BigInteger(), default=0, server_default="0")
    user_metadata: Mapped[dict[str, Any]] = mapped_column(JSON(), default=dict, server_default=_EMPTY_OBJECT)
    app_metadata: Mapped[dict[str, Any]] = mapped_column(JSON(), default=dict, server_default=_EMPTY_OBJECT)
    created_at: Mapped[dt.datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[dt.datetime | None] = mapped_column(default=utc_now, onupdate=utc_now)

    def is_banned(self, now: dt.datetime) -> bool:
        """True while the account may not be used."""
        return self.deleted_at is not None or (self.banned_until is not None and self.banned_until > now)
