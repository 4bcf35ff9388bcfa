"""Actions of the API tests' application, for published clients to call: one of each kind of answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from backstay.errors import ApplicationError
from backstay.models.access.terms import caller
from backstay.services.action import Event, Events, File, Stream, Upload, action
from backstay.services.context import Context
from backstay.services.resources.records import Records
from backstay.services.service import Service
from tests.api.models import Entry, Ship


class HarbourClosedError(ApplicationError, code="harbour_closed", kind="conflict"):
    """The harbour is closed."""


class HarbourService(Service, subject="harbour"):
    """What a harbour master can be asked."""

    def __init__(self, session: AsyncSession, records: Records) -> None:
        self.session = session
        self.records = records

    @action(method="GET", rule=True, rows=Ship)
    async def fleet(self, ctx: Context, least: int = 0) -> Select[Ship]:
        """Ships by weight, the heaviest first."""
        return select(Ship).where(Ship.tons >= least).order_by(Ship.tons.desc(), Ship.id)

    @action(method="GET", rule=True)
    async def flagship(self, ctx: Context, least: int = 0) -> Ship | None:
        """The heaviest ship."""
        found = select(Ship).where(Ship.tons >= least).order_by(Ship.tons.desc()).limit(1)
        return await self.session.scalar(found)

    @action(method="GET", rule=True, rows=Entry)
    async def log(self, ctx: Context) -> Select[Entry]:
        """Every entry, the last one first, whoever asks."""
        return select(Entry).order_by(Entry.id.desc())

    @action(rule=caller.is_authenticated)
    async def christen(self, ctx: Context, ship_id: int, name: str) -> list[Ship]:
        """Give a ship another name."""
        return [await self.records.update(Ship, ship_id, {"name": name})]

    @action(method="GET", rule=True)
    async def total(self, ctx: Context, tons: list[int]) -> int:
        """A sum."""
        return sum(tons)

    @action(rule=True)
    async def echo(self, ctx: Context, words: str, more: dict[str, Any] | None = None) -> dict[str, Any]:
        """What came."""
        return {"words": words, "more": more}

    @action(rule=True)
    async def ring(self, ctx: Context) -> None:
        """Nothing but a bell."""

    @action(rule=True)
    async def close(self, ctx: Context) -> None:
        """Refused."""
        raise HarbourClosedError(details="until the storm is over", hint="Wait.")

    @action(method="GET", rule=True)
    async def chart(self, ctx: Context) -> File:
        """A picture."""
        return File(b"\x89PNG", "application/octet-stream", "chart.png")

    @action(rule=True)
    async def bells(self, ctx: Context, count: int) -> Stream:
        """Text, bit by bit."""

        async def parts() -> AsyncIterator[str]:
            for number in range(count):
                yield f"{number}\n"

        return Stream(parts())

    @action(rule=True)
    async def tides(self, ctx: Context) -> Events:
        """Events."""
        return Events([Event("high", event="tide"), Event("low", event="tide")])

    @action(rule=True)
    async def store(self, ctx: Context, file: Upload, note: str = "") -> dict[str, Any]:
        """Take a file."""
        return {"size": len(file.content), "name": file.filename, "type": file.media_type, "note": note}


SERVICES = (HarbourService,)
