"""The authority of tokens in this process: the signing keys, and what stopped being true before a token expired.

In charge of keeping `AccessTokens` up to date with the database, which is asked twice a second: whatever another
process revokes is refused here within a second. A process that cannot ask for ten seconds refuses users' tokens until
it can, since it would not know who was banned meanwhile. The clocks of nodes may differ by half a minute.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast
from uuid import UUID

import structlog

from backstay.config.tokens import TokenSettings
from backstay.errors import BackstayError, ConfigurationError
from backstay.models.auth.authority import Revocation, StoredKey
from backstay.models.auth.records import AuditEvent
from backstay.repositories.auth.revocations import RevocationRepository
from backstay.repositories.auth.signing_keys import SigningKeyRepository
from backstay.services.auth.audit import Audit
from backstay.services.auth.key_ring import KeyRing, SigningKey, State, revoke, rotate, without_dead
from backstay.services.auth.revoked import Grants, Revoked
from backstay.services.auth.tokens import AccessTokens
from backstay.services.context import Context
from backstay.services.unit_of_work import UnitOfWork
from backstay.utils.clock import utc_now

POLL_SECONDS = 0.5
# Longer than any of our transactions may take, and than clocks should differ.
OVERLAP_SECONDS = 30.0
TRUST_SECONDS = 10.0
# In rounds: ten minutes, and one.
_SWEEP_EVERY = 1200
_CHORES_EVERY = 120
_SYSTEM = Context()


class Authority:
    """Belongs to one event loop; `start` it before requests come and `stop` it after the last one.

    Args:
        secret: the server's, which seals private keys.
        clock: moved by tests.
    """

    def __init__(
        self,
        units: UnitOfWork,
        tokens: AccessTokens,
        revoked: Revoked,
        settings: TokenSettings,
        secret: bytes,
        audit: Audit,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._units = units
        self._tokens = tokens
        self._revoked = revoked
        self._settings = settings
        self._secret = secret
        self._audit = audit
        self._clock = clock
        self._ring: KeyRing | None = None
        self._seen: dict[UUID, dt.datetime] = {}
        self._asked_at: dt.datetime | None = None
        self._task: asyncio.Task[None] | None = None
        self._rounds = 0
        self._is_failing = False
        self._on_api_keys: list[Callable[[], Awaitable[None]]] = []
        self._chores: list[Callable[[], Awaitable[None]]] = []
        self._log = structlog.get_logger("backstay.authority")

    def when_api_keys_change(self, listener: Callable[[], Awaitable[None]]) -> None:
        """Call the listener at the start, and whenever an API key or what it may do has changed."""
        self._on_api_keys.append(listener)

    def now_and_then(self, chore: Callable[[], Awaitable[None]]) -> None:
        """Do the chore about once a minute."""
        self._chores.append(chore)

    async def start(self) -> None:
        """Load the keys, make the first ones if there are none, and follow what happens from now on."""
        await self._round()
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Follow no longer."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
            with suppress(BackstayError):
                for chore in self._chores:
                    await chore()

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self._round()

    async def _round(self) -> None:
        """Ask once. What goes wrong is told once, and tried again: the process goes on."""
        try:
            if self._ring is None:
                await self.load_keys()
                await self.api_keys_changed()
            await self.catch_up()
        except Exception as error:  # noqa: BLE001 - this task must not die, whatever the database does
            if not self._is_failing:
                self._log.error("authority_cannot_ask", error=f"{type(error).__name__}: {error}"[:300])
            self._is_failing = True
        else:
            self._is_failing = False

    async def catch_up(self) -> None:
        """Read what other processes have written since the last time."""
        now = self._clock()
        window = OVERLAP_SECONDS if self._asked_at is not None else self._longest_life()
        since = (self._asked_at or now) - dt.timedelta(seconds=window)
        async with self._units.begin(_SYSTEM, reading=True) as session:
            found = await RevocationRepository(session).since(since)
        new = [revocation for revocation in found if revocation.id not in self._seen]
        self._seen = {revocation.id: revocation.created_at for revocation in found}
        self._asked_at = now
        self._revoked.trusted_until = now.timestamp() + TRUST_SECONDS
        for revocation in new:
            await self._apply(revocation)
        self._rounds += 1
        if self._rounds % _SWEEP_EVERY == 0:
            await self._sweep(now)
        if self._rounds % _CHORES_EVERY == 0:
            for chore in self._chores:
                await chore()

    async def _apply(self, revocation: Revocation) -> None:
        if revocation.user_id is not None:
            self.user_changed(revocation.user_id, revocation.authority or 0, revocation.grants)
        elif revocation.session_id is not None:
            self.session_ended(revocation.session_id)
        elif revocation.api_key_id is not None:
            await self.api_keys_changed()
        else:
            await self.load_keys()

    async def _sweep(self, now: dt.datetime) -> None:
        dead = now - dt.timedelta(seconds=self._longest_life())
        self._revoked.forget(dead.timestamp())
        async with self._units.begin(_SYSTEM) as session:
            await RevocationRepository(session).sweep(dead)

    def _longest_life(self) -> float:
        """Seconds after which no token that was meant can be alive, by anybody's clock."""
        return self._settings.lifetime_seconds + self._settings.leeway_seconds + 2 * OVERLAP_SECONDS

    def session_ended(self, session_id: UUID) -> None:
        """Refuse tokens of the session in this process; for whoever has just ended it."""
        self._revoked.session_ended(session_id, self._clock().timestamp())
        self._tokens.forget(session_id=session_id)

    def user_changed(self, user_id: UUID, authority: int, grants: Grants | None) -> None:
        """Read the user's older tokens with these grants, or refuse them; for whoever has just changed that."""
        self._revoked.user_changed(user_id, authority, grants, self._clock().timestamp())
        self._tokens.forget(user_id=user_id)

    async def api_keys_changed(self) -> None:
        """Read the API keys anew; for whoever has just changed one."""
        for listener in self._on_api_keys:
            await listener()

    async def load_keys(self) -> None:
        """Use the keys that are stored. Keys that cannot be used change nothing, and are told as an error."""
        keys = await self.stored_keys()
        if not any(key.state == "current" for key in keys):
            keys = await self._make_first()
        try:
            ring = KeyRing(keys, self._secret)
        except ConfigurationError as error:
            if self._ring is None:
                raise
            self._log.error("signing_keys_unusable", problems=error.problems)
            return
        self._ring = ring
        self._tokens.use(
            ring.verifying(self._clock(), self._settings.lifetime_seconds), signing_kid=ring.signing.kid
        )

    async def stored_keys(self) -> Sequence[SigningKey]:
        """The keys as they are stored."""
        async with self._units.begin(_SYSTEM, reading=True) as session:
            return [_from_stored(key) for key in await SigningKeyRepository(session).all()]

    async def _make_first(self) -> Sequence[SigningKey]:
        with suppress(BackstayError):  # another process was first, and its keys are there
            async with self._units.begin(_SYSTEM) as session:
                repository = SigningKeyRepository(session)
                if not await repository.all_locked():
                    made = rotate((), self._secret, self._clock())
                    await repository.replace((), [_to_stored(key) for key in made])
        return await self.stored_keys()

    async def rotate_keys(self, context: Context) -> SigningKey:
        """The next key signs from now on; returns it. Tokens of the one before it are good until they expire."""
        keys = await self._change(
            context, AuditEvent.SIGNING_KEYS_ROTATED, lambda keys: rotate(keys, self._secret, self._clock())
        )
        return _signing(keys)

    async def revoke_key(self, context: Context, kid: str) -> None:
        """The key verifies nothing any more: here at once, elsewhere within a second.

        Raises:
            BackstayError: `not_found`.
        """
        await self._change(
            context,
            AuditEvent.SIGNING_KEY_REVOKED,
            lambda keys: revoke(keys, kid, self._secret, self._clock()),
            kid=kid,
        )

    async def _change(
        self,
        context: Context,
        event: AuditEvent,
        change: Callable[[Sequence[SigningKey]], Sequence[SigningKey]],
        kid: str | None = None,
    ) -> Sequence[SigningKey]:
        async with self._units.begin(context) as session:
            repository = SigningKeyRepository(session)
            stored = await repository.all_locked()
            changed = change([_from_stored(key) for key in stored])
            keys = without_dead(changed, self._clock(), self._settings.lifetime_seconds)
            await repository.replace(stored, [_to_stored(key) for key in keys])
            await RevocationRepository(session).keys()
            self._audit.record(session, context, event, kid=kid or _signing(keys).kid)
        await self.load_keys()
        return keys

    def jwks(self) -> Mapping[str, Any]:
        """The public halves of the keys, as a JWK set (RFC 7517 section 5).

        Raises:
            BackstayError: `not_ready`, before the keys are loaded.
        """
        if self._ring is None:
            raise BackstayError("not_ready")
        return self._ring.jwks(self._clock(), self._settings.lifetime_seconds)


def _signing(keys: Sequence[SigningKey]) -> SigningKey:
    return next(key for key in keys if key.state == "current")


def _from_stored(key: StoredKey) -> SigningKey:
    return SigningKey(
        kid=key.kid,
        algorithm=key.algorithm,
        public=key.public,
        sealed_private=key.sealed_private,
        state=cast(State, key.state),
        created_at=key.created_at,
        retired_at=key.retired_at,
    )


def _to_stored(key: SigningKey) -> StoredKey:
    return StoredKey(
        kid=key.kid,
        algorithm=key.algorithm,
        public=dict(key.public),
        sealed_private=key.sealed_private,
        state=key.state,
        created_at=key.created_at,
        retired_at=key.retired_at,
    )
