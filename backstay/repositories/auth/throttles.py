"""Throttles in the database: the generic cell rate algorithm, one statement per attempt and key.

Through the platform's own door and in a transaction of their own: what an attempt costs is kept whatever becomes of
it, and on SQLite many attempts share one durable commit.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from backstay.models.base import PLATFORM_PREFIX
from backstay.repositories.database import Database, ResultRow, Statement

_TABLE = f"{PLATFORM_PREFIX}throttles"
# Rows of a sweep; each spend of many adds at most three.
_SWEPT = 200


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one key may do.

    Attributes:
        interval: seconds that one attempt costs.
        burst: attempts at once, when none were made for long.
    """

    key: str
    interval: float
    burst: int


class _Limited(Exception):  # noqa: N818 - undoes the program; nobody else sees it
    def __init__(self, wait: float) -> None:
        self.wait = wait


class ThrottleRepository:
    """Spends and forgives."""

    def __init__(self, database: Database) -> None:
        self._database = database
        mark = ("?",) * 9 if database.engine == "sqlite" else tuple(f"${n}" for n in range(1, 10))
        latest = "max" if database.engine == "sqlite" else "greatest"
        # The time at which the key is as if never used moves on by one interval, unless that would be too far away.
        self._spend = (
            f"INSERT INTO {_TABLE} (key, until) VALUES ({mark[0]}, {mark[1]})"  # noqa: S608 - no value in it
            f" ON CONFLICT (key) DO UPDATE SET until = {latest}({_TABLE}.until, {mark[2]}) + {mark[3]}"
            f" WHERE {latest}({_TABLE}.until, {mark[4]}) <= {mark[5]} RETURNING until"
        )
        self._look = f"SELECT until FROM {_TABLE} WHERE key = {mark[0]}"  # noqa: S608
        self._forgive = f"DELETE FROM {_TABLE} WHERE key = {mark[0]}"  # noqa: S608
        self._sweep = (
            f"DELETE FROM {_TABLE} WHERE key IN"  # noqa: S608
            f" (SELECT key FROM {_TABLE} WHERE until < {mark[0]} LIMIT {_SWEPT})"
        )

    async def spend(self, allowances: Sequence[Allowance], now: float, *, sweep: bool = False) -> float:
        """Take one attempt from each key, or from none; returns the seconds to wait, 0 when it was taken.

        Args:
            now: Unix time in seconds.
            sweep: also forget some keys that are as if never used.
        """

        def program() -> Generator[Statement, list[ResultRow], float]:
            # In the order of keys, so that two programs never wait for each other.
            for one in sorted(allowances, key=lambda each: each.key):
                latest = now + one.interval * (one.burst - 1)
                values = (one.key, now + one.interval, now, one.interval, now, latest)
                taken = yield Statement(self._spend, values)
                if not taken:
                    found = yield Statement(self._look, (one.key,))
                    raise _Limited(found[0][0] - latest if found else one.interval)
            if sweep:
                yield Statement(self._sweep, (now,))
            return 0.0

        try:
            return await self._database.write(program)
        except _Limited as limited:
            return max(limited.wait, 0.001)

    async def forgive(self, keys: Sequence[str]) -> None:
        """Forget that these were used."""

        def program() -> Generator[Statement, list[ResultRow], None]:
            for key in sorted(keys):
                yield Statement(self._forgive, (key,))

        await self._database.write(program)
