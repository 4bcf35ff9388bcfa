"""Password hashes: made and checked with Argon2id, on threads of their own, and never more at once than is allowed.

In charge of what a hash costs and of who has to wait for it. Which passwords are good enough is decided in
`password_policy.py`. Checking costs one hash whether or not there is one to check against, so that its time does not
tell which addresses have an account.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import threading
import unicodedata
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from backstay.config.passwords import PasswordSettings
from backstay.errors import BackstayError
from backstay.utils.threads import run_behind_others

_Result = TypeVar("_Result")

_SALT_BYTES: Final = 16
_HASH_BYTES: Final = 32
# A stored hash that asks for more is not checked: it was not made here, and would take the node down.
_MOST_MEMORY_KIB: Final = 1024 * 1024
_MOST_PASSES: Final = 16
_MOST_LANES: Final = 16
# The library reads C strings, to the first NUL; this reads to the end. A result of 22 characters has 16 bytes.
_PHC: Final = re.compile(
    r"\$argon2id\$v=19\$m=([0-9]{1,7}),t=([0-9]{1,2}),p=([0-9]{1,2})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}"
)
# NFC never makes a text more than 4 times shorter; a longer one is refused without normalising it.
_MOST_COMPOSED: Final = 4
_MOST_SECONDS_AWAY: Final = 4


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the password was right, and if so, whether its hash is to be replaced by one of current parameters."""

    ok: bool
    needs_rehash: bool = False


WRONG: Final = Verdict(ok=False)


class Passwords:
    """Hashes and verifies. Belongs to one event loop; close it when that ends.

    Attributes:
        count: hashes computed so far, each `hash` and each `verify` one.
    """

    def __init__(self, settings: PasswordSettings) -> None:
        self.count = 0
        self._maximum_length = settings.maximum_length
        self._hasher = PasswordHasher(
            time_cost=settings.hash_passes,
            memory_cost=settings.hash_memory_kib,
            parallelism=settings.hash_lanes,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
            type=Type.ID,
        )
        self._nobodys = _unmatchable(settings)
        self._turns = asyncio.Semaphore(settings.concurrent_hashes)
        self._waiting = 0
        self._most_waiting = settings.waiting_hashes
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(settings.concurrent_hashes, "passwords", run_behind_others)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """Wait in line for the right to hash.

        Take it before anything is asked of the database: of a crowd at the door only those whose turn it is then do
        any work, and what the others cost nobody notices. Never take it inside a transaction, or twice: whoever has
        one may be waiting for the transaction.

        Raises:
            BackstayError: `overloaded`, when too many wait already.
        """
        if self._turns.locked():
            if self._waiting >= self._most_waiting:
                raise BackstayError("overloaded", retry_after_seconds=_come_back())
            self._waiting += 1
            try:
                await self._turns.acquire()
            finally:
                self._waiting -= 1
        else:
            await self._turns.acquire()
        try:
            yield Turn(self)
        finally:
            self._turns.release()

    async def hash(self, password: str) -> str:
        """`Turn.hash` in a turn of its own.

        Raises:
            BackstayError: `weak_password`, `overloaded`.
        """
        async with self.turn() as turn:
            return await turn.hash(password)

    async def verify(self, hashed: str | None, password: str) -> Verdict:
        """`Turn.verify` in a turn of its own.

        Raises:
            BackstayError: `overloaded`.
        """
        async with self.turn() as turn:
            return await turn.verify(hashed, password)

    def close(self) -> None:
        """Wait for the hashes that have begun and drop those that wait."""
        self._threads.shutdown(cancel_futures=True)

    def readable(self, password: str) -> bytes | None:
        """What is hashed of a password; None for one that nobody can have."""
        composed = composed_password(password, self._maximum_length)
        return None if composed is None else composed.encode("utf-8")

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Do the work on a thread. When the caller is cancelled before it has begun, it never will."""
        try:
            future = self._threads.submit(work)
        except RuntimeError as error:
            raise BackstayError("draining") from error
        return await asyncio.wrap_future(future)

    def hash_now(self, secret: bytes) -> str:
        self._counted()
        return self._hasher.hash(secret)

    def verify_now(self, hashed: str | None, secret: bytes) -> Verdict:
        self._counted()
        if hashed is not None and is_bearable(hashed):
            try:
                self._hasher.verify(hashed, secret)
                return Verdict(ok=True, needs_rehash=self._hasher.check_needs_rehash(hashed))
            except VerifyMismatchError:
                return WRONG
            except (InvalidHashError, VerificationError):
                # Damaged so that nothing was computed yet; the answer takes its time all the same.
                pass
        with suppress(VerifyMismatchError):
            self._hasher.verify(self._nobodys, secret)
        return WRONG

    def _counted(self) -> None:
        with self._lock:
            self.count += 1


class Turn:
    """The right to hash, while it lasts."""

    __slots__ = ("_passwords",)

    def __init__(self, passwords: Passwords) -> None:
        self._passwords = passwords

    async def hash(self, password: str) -> str:
        """The password's hash in PHC form, salt and parameters included: about 100 ASCII characters.

        Raises:
            BackstayError: `weak_password` for one that `verify` would not look at.
        """
        secret = self._passwords.readable(password)
        if secret is None:
            raise BackstayError("weak_password", "Password is too long, or is not text.")
        return await self._passwords.run(lambda: self._passwords.hash_now(secret))

    async def verify(self, hashed: str | None, password: str) -> Verdict:
        """Whether the hash is the password's.

        A password that nobody can have (too long, lone surrogates) is wrong at once: what it costs depends on what
        was sent alone. Every other one costs one hash.

        Args:
            hashed: None for a user who is not there, or has no password.
        """
        secret = self._passwords.readable(password)
        if secret is None:
            return WRONG
        return await self._passwords.run(lambda: self._passwords.verify_now(hashed, secret))


def composed_password(password: str, maximum_length: int) -> str | None:
    """The password in NFC, or None when it is longer than that many code points or holds a lone surrogate.

    Only NFC: how a keyboard composes `é` is no choice of its user, everything else about a password is.
    """
    if len(password) > maximum_length * _MOST_COMPOSED:
        return None
    composed = unicodedata.normalize("NFC", password)
    if len(composed) > maximum_length:
        return None
    try:
        composed.encode("utf-8")
    except UnicodeEncodeError:
        return None
    return composed


def is_bearable(hashed: str) -> bool:
    """True for Argon2id, well-formed to its last character, with parameters that this process can carry."""
    found = _PHC.fullmatch(hashed)
    if found is None:
        return False
    memory, passes, lanes = map(int, found.groups())
    return memory <= _MOST_MEMORY_KIB and passes <= _MOST_PASSES and lanes <= _MOST_LANES


def _unmatchable(settings: PasswordSettings) -> str:
    """A hash of no known password, random where a hash has its result: checking against it costs what it should."""
    salt, result = (
        b64encode(os.urandom(size)).rstrip(b"=").decode("ascii") for size in (_SALT_BYTES, _HASH_BYTES)
    )
    m, t, p = settings.hash_memory_kib, settings.hash_passes, settings.hash_lanes
    return f"$argon2id$v=19$m={m},t={t},p={p}${salt}${result}"


def _come_back() -> int:
    """Seconds; not the same for all of a crowd, which would only come back as one."""
    return random.randint(1, _MOST_SECONDS_AWAY)
