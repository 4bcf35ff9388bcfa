"""API keys in the database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select, update

from backstay.models.auth.role import ApiKey
from backstay.repositories.database.sessions import Session


class ApiKeyRepository:
    """Keys, on one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def all(self) -> Sequence[ApiKey]:
        """Every key, the newest first."""
        return tuple(
            await self._session.scalars(select(ApiKey).order_by(ApiKey.created_at.desc(), ApiKey.id.desc()))
        )

    async def living(self, now: dt.datetime) -> Sequence[ApiKey]:
        """Those that may be used now or later."""
        found = await self._session.scalars(
            select(ApiKey).where(
                ApiKey.revoked_at.is_(None), (ApiKey.expires_at.is_(None)) | (ApiKey.expires_at > now)
            )
        )
        return tuple(found)

    async def find(self, key_id: UUID) -> ApiKey | None:
        """One by its id."""
        return await self._session.get(ApiKey, key_id)

    async def by_name(self, name: str) -> ApiKey | None:
        """One by its name."""
        found: ApiKey | None = await self._session.scalar(select(ApiKey).where(ApiKey.name == name))
        return found

    async def add(self, key: ApiKey) -> None:
        """Add one.

        Raises:
            BackstayError: `23505`, by the unit of work, when the name is taken.
        """
        self._session.add(key)
        await self._session.flush()

    async def revoke(self, key_id: UUID, now: dt.datetime) -> bool:
        """End one; False when there is none, or it had ended."""
        revoked = await self._session.execute(
            update(ApiKey)
            .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
            .values(revoked_at=now)
            .returning(ApiKey.id)
            .execution_options(synchronize_session=False)
        )
        return revoked.first() is not None

    async def used(self, key_ids: Collection[UUID], now: dt.datetime) -> None:
        """Note that these are in use."""
        await self._session.execute(
            update(ApiKey)
            .where(ApiKey.id.in_(key_ids))
            .values(last_used_at=now)
            .execution_options(synchronize_session=False)
        )
