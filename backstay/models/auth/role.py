"""Roles, who has them, and API keys, which can have them too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backstay.models.auth.user import User
from backstay.models.base import PLATFORM_PREFIX, Model, primary_key
from backstay.utils.clock import utc_now

MAX_NAME_LENGTH = 100
# What a new project has, by migration `p0003`: name -> permissions.
DEFAULT_ROLES: Mapping[str, Sequence[str]] = {
    "admin": ("users:*", "roles:*", "api_keys:*", "audit:*"),
    "editor": (),
    "user": (),
}


class Role(Model):
    """A name for what some may do. `permissions` are `subject:verb` strings; `subject:*` covers every verb."""

    __tablename__ = f"{PLATFORM_PREFIX}roles"

    name: Mapped[str] = mapped_column(String(MAX_NAME_LENGTH), primary_key=True)
    description: Mapped[str] = mapped_column(String(500), default="")
    permissions: Mapped[list[Any]]
    created_at: Mapped[dt.datetime] = mapped_column(default=utc_now)


class ApiKey(Model):
    """A key for a program. Only its hash is kept.

    Attributes:
        prefix: how the key begins, for people to tell keys apart.
        key_hash: SHA-256; the key has 256 random bits.
        above_rules: it may do everything, like the secret key of the settings.
        permissions: beside those of its roles.
        last_used_at: at most a minute behind.
    """

    __tablename__ = f"{PLATFORM_PREFIX}api_keys"

    id: Mapped[UUID] = primary_key()
    name: Mapped[str] = mapped_column(String(MAX_NAME_LENGTH), unique=True)
    prefix: Mapped[str] = mapped_column(String(40))
    key_hash: Mapped[bytes] = mapped_column(LargeBinary(), unique=True)
    above_rules: Mapped[bool] = mapped_column(Boolean(), default=False)
    permissions: Mapped[list[Any]]
    created_at: Mapped[dt.datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[dt.datetime | None]
    last_used_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]


class Grant(Model):
    """A role that a user or an API key has."""

    __tablename__ = f"{PLATFORM_PREFIX}grants"
    __table_args__ = (
        UniqueConstraint("user_id", "role"),
        UniqueConstraint("api_key_id", "role"),
        CheckConstraint("(user_id IS NULL) <> (api_key_id IS NULL)", name="one_holder"),
    )

    id: Mapped[UUID] = primary_key()
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    api_key_id: Mapped[UUID | None] = mapped_column(ForeignKey(ApiKey.id, ondelete="CASCADE"))
    role: Mapped[str] = mapped_column(ForeignKey(Role.name, ondelete="CASCADE"), index=True)
    created_at: Mapped[dt.datetime] = mapped_column(default=utc_now)
