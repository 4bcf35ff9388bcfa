"""Signing keys in the database."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from backstay.models.auth.authority import StoredKey
from backstay.repositories.database.sessions import Session


class SigningKeyRepository:
    """All signing keys there are, on one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def all(self) -> Sequence[StoredKey]:
        """Every key, the oldest first."""
        found = await self._session.scalars(select(StoredKey).order_by(StoredKey.created_at, StoredKey.kid))
        return tuple(found)

    async def all_locked(self) -> Sequence[StoredKey]:
        """The same, for a change: whoever else wants to change them waits."""
        found = await self._session.scalars(
            select(StoredKey).order_by(StoredKey.created_at, StoredKey.kid).with_for_update()
        )
        return tuple(found)

    async def replace(self, stored: Sequence[StoredKey], keys: Sequence[StoredKey]) -> None:
        """Put keys in the place of those that `all_locked` gave. What another process made meanwhile is not touched.

        Raises:
            BackstayError: `23505`, by the unit of work, when another process made the first keys meanwhile.
        """
        wanted = {key.kid: key for key in keys}
        for key in stored:
            if key.kid not in wanted:
                await self._session.delete(key)
        # One key is current at any time: the old one steps back before the new one takes its place.
        for key in sorted(keys, key=lambda each: each.state == "current"):
            await self._session.merge(key)
            await self._session.flush()
