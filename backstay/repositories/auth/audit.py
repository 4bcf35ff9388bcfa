"""The audit log in the database, which lets nobody change or remove a line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy import event as events
from sqlalchemy import func, select, tuple_

from backstay.models.auth.records import AuditEntry
from backstay.repositories.database.sessions import Session

MAX_PAGE = 1000


class AuditRepository:
    """Adds lines and reads them, on one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, entry: AuditEntry, kept: Callable[[], None]) -> None:
        """Add a line, kept or undone with the transaction it is part of; `kept` is called once it is committed.

        It is written with whatever the session writes next, at the latest when it commits.
        """
        self._session.add(entry)
        events.listen(self._session.sync_session, "after_commit", lambda _session: kept(), once=True)

    async def page(
        self,
        *,
        user_id: UUID | None = None,
        event: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        before: AuditEntry | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[Sequence[AuditEntry], int]:
        """Lines that match, the newest first, and how many there are in all.

        Args:
            since, until: with a zone; `until` itself is left out.
            before: go on after this line, the last of the page before, whatever was added meanwhile.
            limit: at most `MAX_PAGE`, whatever is asked.
            offset: lines to pass over, each of which is read.
        """
        conditions = []
        if user_id is not None:
            conditions.append(AuditEntry.user_id == user_id)
        if event is not None:
            conditions.append(AuditEntry.event == event)
        if since is not None:
            conditions.append(AuditEntry.created_at >= since)
        if until is not None:
            conditions.append(AuditEntry.created_at < until)
        count = await self._session.scalar(select(func.count()).select_from(AuditEntry).where(*conditions))
        if before is not None:
            place = tuple_(AuditEntry.created_at, AuditEntry.id)
            conditions.append(place < (before.created_at, before.id))
        found = await self._session.scalars(
            select(AuditEntry)
            .where(*conditions)
            .order_by(AuditEntry.created_at.desc(), AuditEntry.id.desc())
            .limit(min(limit, MAX_PAGE))
            .offset(offset)
        )
        return tuple(found), count or 0
