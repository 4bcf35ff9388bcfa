"""Throttles in the database: the generic cell rate algorithm, one statement per attempt and key.

Through the platform's own door and in a transaction of their own: what an attempt costs is kept whatever becomes of
it, and on SQLite many attempts share one durable commit.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

from backstay.errors import BackstayError
from backstay.repositories.database import Database, Engine, ResultRow, Statement

SWEPT = 512
# What a text that is no number is refused with.
REFUSED = "22P02"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one key may do.

    Attributes:
        interval: microseconds that one attempt costs, at least 1.
        burst: attempts at once, when none were made for long.
    """

    key: str
    interval: int
    burst: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an attempt was refused.

    Attributes:
        position: of the allowance that is used up.
        wait: microseconds until it allows one more.
    """

    position: int
    wait: int


@dataclass(frozen=True, slots=True)
class _Sql:
    """Statements in an engine's own spelling.

    Attributes:
        take: parameters are the key, now + interval, the interval, and the latest time that still allows one more.
            The time at which the key is as if never used moves on by one interval, unless it is too far away.
        take_all: the same for lists of each, in their order; it fails when it cannot take all. None where that saves
            nothing: SQLite has no round trips.
        sweep: passes over rows that somebody else holds, so that it never waits and no two wait for each other.
        forgive: takes the rows in the order of the keys, as `take` does, so that no two wait for each other.
    """

    take: str
    take_all: str | None
    look: str
    forgive: str
    sweep: str


_SQL: Mapping[Engine, _Sql] = {
    "sqlite": _Sql(
        take="INSERT INTO backstay_throttles AS t (key, until) VALUES (?, ?) ON CONFLICT (key) DO UPDATE"
        " SET until = max(t.until + ?, excluded.until) WHERE t.until <= ? RETURNING key",
        take_all=None,
        look="SELECT until FROM backstay_throttles WHERE key = ?",
        forgive="DELETE FROM backstay_throttles WHERE key IN (SELECT value FROM json_each(?))",
        sweep="DELETE FROM backstay_throttles WHERE key IN"
        " (SELECT key FROM backstay_throttles WHERE until < ? LIMIT ?)",
    ),
    "postgresql": _Sql(
        take="INSERT INTO backstay_throttles AS t (key, until) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE"
        " SET until = greatest(t.until + $3, excluded.until) WHERE t.until <= $4 RETURNING key",
        # The cast of a text that is no number undoes the statement.
        take_all="WITH wanted AS (SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[])"
        " AS w (key, until, step, latest)), taken AS (INSERT INTO backstay_throttles AS t (key, until)"
        " SELECT key, until FROM wanted ON CONFLICT (key) DO UPDATE"
        " SET until = greatest(t.until + (SELECT step FROM wanted w WHERE w.key = t.key), excluded.until)"
        " WHERE t.until <= (SELECT latest FROM wanted w WHERE w.key = t.key) RETURNING key)"
        " SELECT CASE WHEN count(*) = cardinality($1::text[]) THEN 1 ELSE ('short of ' || count(*))::int END"
        " FROM taken",
        look="SELECT until FROM backstay_throttles WHERE key = $1",
        forgive="DELETE FROM backstay_throttles WHERE key IN (SELECT key FROM backstay_throttles"
        " WHERE key = ANY($1::text[]) ORDER BY array_position($1::text[], key::text) FOR UPDATE)",
        sweep="DELETE FROM backstay_throttles WHERE key IN"
        " (SELECT key FROM backstay_throttles WHERE until < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
    ),
}


class _RefusedError(Exception):
    """Undoes a program whose first keys were taken already; nobody else sees it."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


class ThrottleRepository:
    """Takes attempts from keys, and gives them back.

    Everybody names the keys of one action in the same order, so that no two wait for each other, and the key that
    most share comes last, since it is held until the commit.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = _SQL[database.engine]

    async def take(self, allowances: Sequence[Allowance], now: int, *, sweep: bool = False) -> Refusal | None:
        """Take one attempt from each key; or from none, when one of them is used up.

        Args:
            now: microseconds since 1970.
            sweep: also forget some keys that are as if never used.
        """
        sql = self._sql

        def program() -> Generator[Statement, list[ResultRow], None]:
            for position, (key, interval, latest) in enumerate(wanted):
                if not (yield Statement(sql.take, (key, now + interval, interval, latest))):
                    found = yield Statement(sql.look, (key,))
                    raise _RefusedError(Refusal(position, found[0][0] - latest if found else interval))
            if sweep:
                yield Statement(sql.sweep, (now, SWEPT))

        wanted = [(each.key, each.interval, now + (each.burst - 1) * each.interval) for each in allowances]
        if sql.take_all is not None and not sweep and await self._took_all(sql.take_all, wanted, now):
            return None
        try:
            await self._database.write(program)
        except _RefusedError as refused:
            return refused.refusal
        return None

    async def _took_all(self, take_all: str, wanted: Sequence[tuple[str, int, int]], now: int) -> bool:
        """Whether one statement, which commits itself, could take from every key; from none otherwise."""
        keys, intervals, latest = (list(column) for column in zip(*wanted, strict=True))
        statement = Statement(take_all, (keys, [now + each for each in intervals], intervals, latest))

        def program() -> Generator[Statement, list[ResultRow], None]:
            yield statement

        try:
            await self._database.write(program, atomic=False)
        except BackstayError as error:
            if error.code != REFUSED:
                raise
            return False
        return True

    async def forgive(self, keys: list[str]) -> None:
        """Forget that these were used."""
        sql = self._sql

        def program() -> Generator[Statement, list[ResultRow], None]:
            yield Statement(sql.forgive, (wanted,))

        wanted = json.dumps(keys) if self._database.engine == "sqlite" else keys
        await self._database.write(program, atomic=False)
