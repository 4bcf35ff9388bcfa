"""What is used once: codes and links that were mailed, and the codes that finish a sign-in begun elsewhere.

Nothing here is stored in clear: a table that leaks opens no account.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backstay.models.auth.user import User
from backstay.models.base import PLATFORM_PREFIX, Model, primary_key
from backstay.utils.clock import utc_now


class OneTimeToken(Model):
    """A code and a link that were mailed to one address for one purpose. A newer one replaces it.

    Attributes:
        purpose: `signup`, `invite`, `magiclink`, `recovery`, `email_change_current`, `email_change_new` or
            `reauthentication`.
        address: the key of the address it went to.
        link_hash: SHA-256 of the link's token, which has 256 random bits.
        code_hash: HMAC of the code under the server's secret, since a code alone could be guessed from a hash.
        attempts_left: wrong codes that are still borne.
        flow_id: of the browser that asked, if it wants to finish by a code of its own (PKCE).
    """

    __tablename__ = f"{PLATFORM_PREFIX}one_time_tokens"
    __table_args__ = (UniqueConstraint("user_id", "purpose"),)

    id: Mapped[UUID] = primary_key()
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(String(30))
    address: Mapped[str] = mapped_column(String(254))
    link_hash: Mapped[bytes] = mapped_column(LargeBinary(), unique=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary())
    attempts_left: Mapped[int] = mapped_column(SmallInteger())
    flow_id: Mapped[UUID | None]
    created_at: Mapped[dt.datetime] = mapped_column(default=utc_now)
    code_expires_at: Mapped[dt.datetime]
    link_expires_at: Mapped[dt.datetime] = mapped_column(index=True)


class Flow(Model):
    """A sign-in that leaves the page and comes back: to a provider, or to a mailbox.

    Attributes:
        kind: `email` or `oauth`.
        method: of `amr`, once the user is known: `oauth`, `otp`, `recovery` and the like.
        challenge: of PKCE (RFC 7636), from the client that will exchange the code; None for one that wants tokens in
            the redirect.
        state_hash: SHA-256 of the state that was sent to a provider.
        secrets: sealed: nonce and verifier of our own exchange with the provider.
        code_hash: SHA-256 of the code that the client exchanges, once there is one.
        data: what else has to come back: provider, redirect_to, the session that links an identity, and that identity.
    """

    __tablename__ = f"{PLATFORM_PREFIX}flows"

    id: Mapped[UUID] = primary_key()
    kind: Mapped[str] = mapped_column(String(10))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    method: Mapped[str | None] = mapped_column(String(30))
    challenge: Mapped[str | None] = mapped_column(String(128))
    challenge_method: Mapped[str | None] = mapped_column(String(10))
    state_hash: Mapped[bytes | None] = mapped_column(LargeBinary(), unique=True)
    secrets: Mapped[bytes | None] = mapped_column(LargeBinary())
    code_hash: Mapped[bytes | None] = mapped_column(LargeBinary(), unique=True)
    data: Mapped[dict[str, Any]]
    created_at: Mapped[dt.datetime] = mapped_column(default=utc_now)
    state_used_at: Mapped[dt.datetime | None]
    code_used_at: Mapped[dt.datetime | None]
    session_id: Mapped[UUID | None]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
