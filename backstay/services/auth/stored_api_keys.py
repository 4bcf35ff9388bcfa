"""API keys that are made while the application runs: hashed, with roles, an expiry and a last use.

In charge of making and ending them, and of who is behind one. Each process keeps all living keys in memory and reads
them anew when one has changed, so a request with a key asks no database.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from backstay.errors import BackstayError
from backstay.models.access.caller import Caller
from backstay.models.auth.records import AuditEvent
from backstay.models.auth.role import ApiKey
from backstay.repositories.auth.api_keys import ApiKeyRepository
from backstay.repositories.auth.revocations import RevocationRepository
from backstay.repositories.auth.roles import RoleRepository
from backstay.services.auth.audit import Audit
from backstay.services.auth.authority import Authority
from backstay.services.auth.roles import check_names, require_held
from backstay.services.context import Context
from backstay.services.unit_of_work import UnitOfWork
from backstay.utils.clock import utc_now

PREFIX = "bsk_"
_SECRET_BYTES = 32
# Enough to tell keys apart, and too little to guess the rest from.
_SHOWN = len(PREFIX) + 6
_LENGTH = len(PREFIX) + 43
_MAX_NAME = 100
_SYSTEM = Context()


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key at the one moment at which its text is known."""

    key: ApiKey
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    key_id: UUID
    expires_at: dt.datetime | None


class StoredApiKeys:
    """Belongs to one event loop."""

    def __init__(
        self,
        units: UnitOfWork,
        authority: Authority,
        audit: Audit,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._units = units
        self._authority = authority
        self._audit = audit
        self._clock = clock
        self._known: dict[bytes, _Known] | None = None
        self._used: set[UUID] = set()
        authority.when_api_keys_change(self.load)
        authority.now_and_then(self.note_uses)

    def find(self, text: bytes) -> Caller | None:
        """The caller of a key, or None when it is not one of ours, or no more.

        Raises:
            BackstayError: `not_ready`, when the keys could not be read yet.
        """
        if len(text) != _LENGTH or not text.startswith(PREFIX.encode("ascii")):
            return None
        if self._known is None:
            raise BackstayError(
                "not_ready", "API keys cannot be checked at the moment.", retry_after_seconds=1
            )
        known = self._known.get(hashlib.sha256(text).digest())
        if known is None or (known.expires_at is not None and known.expires_at <= self._clock()):
            return None
        self._used.add(known.key_id)
        return known.caller

    async def load(self) -> None:
        """Read the keys that are good now."""
        known: dict[bytes, _Known] = {}
        async with self._units.begin(_SYSTEM, reading=True) as session:
            for key in await ApiKeyRepository(session).living(self._clock()):
                roles, permissions = await RoleRepository(session).of_api_key(key.id)
                caller = Caller(
                    role="service_role" if key.above_rules else "anon",
                    roles=frozenset(roles),
                    permissions=frozenset([*permissions, *key.permissions]),
                    claims={"api_key_id": str(key.id)},
                )
                known[key.key_hash] = _Known(caller, key.id, key.expires_at)
        self._known = known

    async def note_uses(self) -> None:
        """Write down which keys were used since the last time."""
        if self._used:
            used, self._used = self._used, set()
            async with self._units.begin(_SYSTEM) as session:
                await ApiKeyRepository(session).used(used, self._clock())

    async def all(self, context: Context) -> Sequence[tuple[ApiKey, list[str]]]:
        """Every key with the names of its roles, the newest first."""
        async with self._units.begin(context, reading=True) as session:
            roles = RoleRepository(session)
            keys = await ApiKeyRepository(session).all()
            return [(key, (await roles.of_api_key(key.id))[0]) for key in keys]

    async def create(
        self,
        context: Context,
        name: str,
        *,
        roles: Sequence[str] = (),
        permissions: Sequence[str] = (),
        above_rules: bool = False,
        lifetime: dt.timedelta | None = None,
    ) -> NewKey:
        """A new key, whose text is never told again.

        Raises:
            BackstayError: `validation_failed`, `role_not_found`, `forbidden`, `conflict` when the name is taken.
        """
        if not name.strip() or len(name) > _MAX_NAME or not name.isprintable():
            raise BackstayError("validation_failed", f"name: must be 1 to {_MAX_NAME} printable characters")
        check_names(roles, permissions)
        if above_rules and not context.caller.bypasses_rules:
            raise BackstayError("forbidden", "Only a caller above the rules can make a key that is.")
        require_held(context.caller, permissions)
        text = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        now = self._clock()
        key = ApiKey(
            name=name,
            prefix=text[:_SHOWN],
            key_hash=hashlib.sha256(text.encode("ascii")).digest(),
            above_rules=above_rules,
            permissions=sorted(set(permissions)),
            created_at=now,
            expires_at=None if lifetime is None else now + lifetime,
        )
        async with self._units.begin(context) as session:
            keys, known = ApiKeyRepository(session), RoleRepository(session)
            if await keys.by_name(name) is not None:
                raise BackstayError("conflict", "There is a key of this name.")
            await keys.add(key)
            for role_name in dict.fromkeys(roles):
                role = await known.find(role_name)
                if role is None:
                    raise BackstayError("role_not_found")
                require_held(context.caller, role.permissions, (role_name,))
                await known.grant(role_name, api_key_id=key.id)
            await RevocationRepository(session).api_key(key.id)
            self._audit.record(session, context, AuditEvent.API_KEY_CREATED, key=key.prefix, name=name)
        await self._authority.api_keys_changed()
        return NewKey(key, text)

    async def revoke(self, context: Context, key_id: UUID) -> None:
        """End a key: here at once, elsewhere within a second.

        Raises:
            BackstayError: `not_found`, `forbidden`.
        """
        async with self._units.begin(context) as session:
            keys = ApiKeyRepository(session)
            key = await keys.find(key_id)
            if key is None or not await keys.revoke(key_id, self._clock()):
                raise BackstayError("not_found", "There is no such API key.")
            if key.above_rules and not context.caller.bypasses_rules:
                raise BackstayError("forbidden", "Only a caller above the rules can end a key that is.")
            await RevocationRepository(session).api_key(key_id)
            self._audit.record(session, context, AuditEvent.API_KEY_REVOKED, key=key.prefix)
        await self._authority.api_keys_changed()
