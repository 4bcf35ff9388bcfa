"""Second factors, their challenges and recovery codes in the database.

Each code and each challenge is used by one statement, so that of many uses one succeeds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update

from backstay.models.auth.factor import UNVERIFIED, VERIFIED, Challenge, Factor, RecoveryCode
from backstay.repositories.database.sessions import Session


class FactorRepository:
    """Factors, on one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def of_user(self, user_id: UUID) -> Sequence[Factor]:
        """All of a user, the oldest first."""
        found = await self._session.scalars(
            select(Factor)
            .where(Factor.user_id == user_id)
            .order_by(Factor.created_at, Factor.id)
            .execution_options(populate_existing=True)
        )
        return tuple(found)

    async def add(self, factor: Factor) -> None:
        """Add one; its name must be new to the user."""
        self._session.add(factor)
        await self._session.flush()

    async def drop_stale(self, user_id: UUID, before: dt.datetime) -> None:
        """Remove a user's factors that were begun before then and never proven."""
        await self._session.execute(
            delete(Factor)
            .where(Factor.user_id == user_id, Factor.status == UNVERIFIED, Factor.created_at < before)
            .execution_options(synchronize_session=False)
        )

    async def delete(self, user_id: UUID, factor_id: UUID) -> bool:
        """Remove one of a user's, with its challenges; False when there is none."""
        removed = await self._session.execute(
            delete(Factor)
            .where(Factor.id == factor_id, Factor.user_id == user_id)
            .returning(Factor.id)
            .execution_options(synchronize_session=False)
        )
        return removed.first() is not None

    async def take_step(self, factor_id: UUID, step: int) -> bool:
        """Take the code of a step, which proves the factor; False when that step or a later one was taken."""
        taken = await self._session.execute(
            update(Factor)
            .where(Factor.id == factor_id, Factor.last_step < step)
            .values(last_step=step, status=VERIFIED)
            .returning(Factor)
            .execution_options(synchronize_session=False, populate_existing=True)
        )
        return taken.scalar_one_or_none() is not None


class ChallengeRepository:
    """Challenges, on one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, challenge: Challenge, now: dt.datetime, most: int) -> None:
        """Add one. Those whose time is over go, and of one factor and session all but the newest."""
        same = and_(Challenge.factor_id == challenge.factor_id, Challenge.session_id == challenge.session_id)
        newest = (
            select(Challenge.id)
            .where(same)
            .order_by(Challenge.created_at.desc(), Challenge.id.desc())
            .limit(most - 1)
        )
        await self._session.execute(
            delete(Challenge)
            .where(
                Challenge.factor_id == challenge.factor_id,
                or_(Challenge.expires_at <= now, and_(same, Challenge.id.not_in(newest))),
            )
            .execution_options(synchronize_session=False)
        )
        self._session.add(challenge)
        await self._session.execute(
            update(Factor)
            .where(Factor.id == challenge.factor_id)
            .values(last_challenged_at=now, updated_at=Factor.updated_at)
            .execution_options(synchronize_session=False)
        )
        await self._session.flush()

    async def is_open(self, challenge_id: UUID, factor_id: UUID, session_id: UUID, now: dt.datetime) -> bool:
        """Whether the session may answer this challenge."""
        found: UUID | None = await self._session.scalar(
            select(Challenge.id).where(_open(challenge_id, factor_id, session_id, now))
        )
        return found is not None

    async def use(self, challenge_id: UUID, factor_id: UUID, session_id: UUID, now: dt.datetime) -> bool:
        """Answer a challenge, which is used with this; False when it is not this session's, or no more."""
        used = await self._session.execute(
            delete(Challenge)
            .where(_open(challenge_id, factor_id, session_id, now))
            .returning(Challenge.id)
            .execution_options(synchronize_session=False)
        )
        return used.first() is not None


class RecoveryCodeRepository:
    """Recovery codes, on one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def replace(self, user_id: UUID, hashes: Sequence[bytes]) -> None:
        """These are the user's codes from now on, and no others."""
        await self.drop(user_id)
        self._session.add_all(RecoveryCode(user_id=user_id, code_hash=one) for one in hashes)
        await self._session.flush()

    async def drop(self, user_id: UUID) -> None:
        """The user has no codes any more."""
        await self._session.execute(
            delete(RecoveryCode)
            .where(RecoveryCode.user_id == user_id)
            .execution_options(synchronize_session=False)
        )

    async def use(self, user_id: UUID, code_hash: bytes) -> bool:
        """Use a code; False when it is none of the user's, or no more."""
        used = await self._session.execute(
            delete(RecoveryCode)
            .where(RecoveryCode.user_id == user_id, RecoveryCode.code_hash == code_hash)
            .returning(RecoveryCode.id)
            .execution_options(synchronize_session=False)
        )
        return used.first() is not None

    async def count(self, user_id: UUID) -> int:
        """How many the user has left."""
        found = await self._session.scalar(
            select(func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == user_id)
        )
        return found or 0


def _open(challenge_id: UUID, factor_id: UUID, session_id: UUID, now: dt.datetime) -> ColumnElement[bool]:
    return and_(
        Challenge.id == challenge_id,
        Challenge.factor_id == factor_id,
        Challenge.session_id == session_id,
        Challenge.expires_at > now,
    )
