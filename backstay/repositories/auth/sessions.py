"""Sessions in the database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update

from backstay.models.auth.session import AuthSession
from backstay.repositories.database.sessions import Session


class SessionRepository:
    """Sign-ins that may still be used, on one session of the database."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, sign_in: AuthSession) -> None:
        """Add one."""
        self._session.add(sign_in)
        await self._session.flush()

    async def find(self, session_id: UUID) -> AuthSession | None:
        """The session as it is in the database now."""
        return await self._session.get(AuthSession, session_id, populate_existing=True)

    async def of_user(self, user_id: UUID) -> Sequence[AuthSession]:
        """All of a user, the newest first."""
        found = await self._session.scalars(
            select(AuthSession)
            .where(AuthSession.user_id == user_id)
            .order_by(AuthSession.created_at.desc(), AuthSession.id.desc())
        )
        return tuple(found)

    async def renew(self, session_id: UUID, counter: int, now: dt.datetime) -> bool:
        """Spend the refresh token with this counter; False when another request has, or the session has ended."""
        renewed = await self._session.execute(
            update(AuthSession)
            .where(AuthSession.id == session_id, AuthSession.counter == counter)
            .values(counter=counter + 1, renewed_at=now)
            .returning(AuthSession.id)
            .execution_options(synchronize_session=False)
        )
        return renewed.first() is not None

    async def lower(self, session_id: UUID, methods: Sequence[Mapping[str, Any]]) -> None:
        """The session is at level 1 from now on, by these methods; nothing when it has ended."""
        await self._session.execute(
            update(AuthSession)
            .where(AuthSession.id == session_id)
            .values(level=1, methods=list(methods))
            .execution_options(synchronize_session=False)
        )

    async def touch(self, session_id: UUID, now: dt.datetime) -> AuthSession | None:
        """Note that the session is in use; the session as it is then, or None when it has ended."""
        await self._session.execute(
            update(AuthSession)
            .where(AuthSession.id == session_id)
            .values(renewed_at=now)
            .execution_options(synchronize_session=False)
        )
        return await self.find(session_id)

    async def end(self, session_id: UUID) -> bool:
        """End one; False when it had ended."""
        return bool(await self._end(AuthSession.id == session_id))

    async def end_of_user(
        self, user_id: UUID, *, but: UUID | None = None, only: UUID | None = None
    ) -> Sequence[UUID]:
        """End a user's sessions, all of them unless told otherwise; returns their ids."""
        conditions = [AuthSession.user_id == user_id]
        if but is not None:
            conditions.append(AuthSession.id != but)
        if only is not None:
            conditions.append(AuthSession.id == only)
        return await self._end(*conditions)

    async def sweep(self, now: dt.datetime, most: int = 500) -> None:
        """Remove some of those whose time is over."""
        old = select(AuthSession.id).where(AuthSession.expires_at < now).limit(most)
        await self._end(AuthSession.id.in_(old))

    async def _end(self, *conditions: object) -> Sequence[UUID]:
        ended = await self._session.execute(
            delete(AuthSession)
            .where(*conditions)  # type: ignore[arg-type]  # conditions made above
            .returning(AuthSession.id)
            .execution_options(synchronize_session=False)
        )
        return tuple(ended.scalars())
