"""What tokens say and is true no longer, in the database: written once, read by every process twice a second."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from backstay.models.auth.authority import Revocation
from backstay.repositories.database.sessions import Session


class RevocationRepository:
    """Adds and reads, on one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def user(self, user_id: UUID, authority: int, grants: Mapping[str, Any] | None) -> None:
        """Tokens of the user made under a smaller number are to be read with these grants, or refused."""
        stored: dict[str, Any] | None = None if grants is None else dict(grants)
        await self._add(Revocation(user_id=user_id, authority=authority, grants=stored))

    async def session(self, session_id: UUID) -> None:
        """A session has ended."""
        await self._add(Revocation(session_id=session_id))

    async def api_key(self, key_id: UUID) -> None:
        """An API key has changed or ended."""
        await self._add(Revocation(api_key_id=key_id))

    async def keys(self) -> None:
        """The signing keys have changed."""
        await self._add(Revocation())

    async def since(self, moment: dt.datetime) -> Sequence[Revocation]:
        """Those of that moment and later, the oldest first."""
        found = await self._session.scalars(
            select(Revocation)
            .where(Revocation.created_at >= moment)
            .order_by(Revocation.created_at, Revocation.id)
        )
        return tuple(found)

    async def sweep(self, before: dt.datetime) -> None:
        """Remove those that no living token can be meant by."""
        await self._session.execute(
            delete(Revocation)
            .where(Revocation.created_at < before)
            .execution_options(synchronize_session=False)
        )

    async def _add(self, revocation: Revocation) -> None:
        self._session.add(revocation)
        await self._session.flush()
