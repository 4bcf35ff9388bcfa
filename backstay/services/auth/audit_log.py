"""The audit log, read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from backstay.models.auth.records import AuditEntry
from backstay.repositories.auth.audit import AuditRepository
from backstay.services.context import Context
from backstay.services.unit_of_work import UnitOfWork


class AuditLog:
    """Pages of it; whoever is asked has seen to it that the caller may read."""

    def __init__(self, units: UnitOfWork) -> None:
        self._units = units

    async def page(
        self,
        context: Context,
        *,
        user_id: UUID | None = None,
        event: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        limit: int,
        offset: int,
    ) -> tuple[Sequence[AuditEntry], int]:
        """Lines that match, the newest first, and how many there are in all."""
        async with self._units.begin(context, reading=True) as session:
            return await AuditRepository(session).page(
                user_id=user_id, event=event, since=since, until=until, limit=limit, offset=offset
            )
