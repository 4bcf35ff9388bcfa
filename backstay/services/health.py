"""Health: whether this node lives, and whether a load balancer should send it requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

from backstay.errors import BackstayError
from backstay.repositories.database import Database

# Migrations that were found current stay current for this node; until then they are asked for this often.
RECHECK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """What a ready node needs, and whether it has it."""

    database: bool
    migrations: bool
    draining: bool

    @property
    def ready(self) -> bool:
        """True when requests should come."""
        return self.database and self.migrations and not self.draining


class Health:
    """Answers both questions; cheap enough to be asked every second."""

    def __init__(self, database: Database, migrations_are_current: Callable[[], Awaitable[bool]]) -> None:
        self._database = database
        self._migrations_are_current = migrations_are_current
        self._migrated = False
        self._asked_at = float("-inf")
        self._draining = False

    def drain(self) -> None:
        """From now on this node is not ready: it is about to stop."""
        self._draining = True

    async def readiness(self) -> Readiness:
        """Ask the database, with one statement; and, until they are current, for the migrations."""
        try:
            await self._database.ping()
        except BackstayError:
            return Readiness(database=False, migrations=self._migrated, draining=self._draining)
        if not self._migrated and monotonic() - self._asked_at > RECHECK_SECONDS:
            self._asked_at = monotonic()
            self._migrated = await self._migrations_are_current()
        return Readiness(database=True, migrations=self._migrated, draining=self._draining)
