"""One-time tokens and flows in the database: each is used by one statement, so that of many uses one succeeds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update

from backstay.models.auth.one_time import Flow, OneTimeToken
from backstay.repositories.database.sessions import Session


class OneTimeRepository:
    """Mailed codes and links, on one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def replace(self, token: OneTimeToken) -> None:
        """Add a token; the user's earlier one of that purpose is good no more."""
        await self.drop(token.user_id, (token.purpose,))
        self._session.add(token)
        await self._session.flush()

    async def drop(self, user_id: UUID, purposes: Sequence[str] | None = None) -> None:
        """Make a user's tokens useless: those of some purposes, or all, and then what they were exchanged for, too."""
        statement = delete(OneTimeToken).where(OneTimeToken.user_id == user_id)
        if purposes is not None:
            statement = statement.where(OneTimeToken.purpose.in_(purposes))
        await self._session.execute(statement.execution_options(synchronize_session=False))
        if purposes is None:
            await FlowRepository(self._session).drop(user_id)

    async def owner(self, link_hash: bytes) -> UUID | None:
        """Whose link that is."""
        found: UUID | None = await self._session.scalar(
            select(OneTimeToken.user_id).where(OneTimeToken.link_hash == link_hash)
        )
        return found

    async def use_link(self, link_hash: bytes, now: dt.datetime) -> OneTimeToken | None:
        """The token of a link, which is used with this."""
        used = await self._session.execute(
            delete(OneTimeToken)
            .where(OneTimeToken.link_hash == link_hash, OneTimeToken.link_expires_at > now)
            .returning(OneTimeToken)
            .execution_options(synchronize_session=False)
        )
        token: OneTimeToken | None = used.scalar_one_or_none()
        return token

    async def use_code(
        self, user_id: UUID, purposes: Sequence[str], address: str, code_hash: bytes, now: dt.datetime
    ) -> OneTimeToken | None:
        """The token of a code, which is used with this."""
        used = await self._session.execute(
            delete(OneTimeToken)
            .where(
                OneTimeToken.user_id == user_id,
                OneTimeToken.purpose.in_(purposes),
                OneTimeToken.address == address,
                OneTimeToken.code_hash == code_hash,
                OneTimeToken.attempts_left > 0,
                OneTimeToken.code_expires_at > now,
            )
            .returning(OneTimeToken)
            .execution_options(synchronize_session=False)
        )
        token: OneTimeToken | None = used.scalars().first()
        return token

    async def count_failure(self, user_id: UUID, purposes: Sequence[str]) -> None:
        """One wrong code less is borne from now on."""
        await self._session.execute(
            update(OneTimeToken)
            .where(OneTimeToken.user_id == user_id, OneTimeToken.purpose.in_(purposes))
            .values(attempts_left=OneTimeToken.attempts_left - 1)
            .execution_options(synchronize_session=False)
        )

    async def sweep(self, now: dt.datetime) -> None:
        """Remove those whose time is over."""
        await self._session.execute(
            delete(OneTimeToken)
            .where(OneTimeToken.link_expires_at < now)
            .execution_options(synchronize_session=False)
        )


class FlowRepository:
    """Sign-ins that have left the page, on one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, flow: Flow) -> None:
        """Add one."""
        self._session.add(flow)
        await self._session.flush()

    async def drop(self, user_id: UUID) -> None:
        """End those whose code would begin a session of this user."""
        await self._session.execute(
            delete(Flow).where(Flow.user_id == user_id).execution_options(synchronize_session=False)
        )

    async def keep(self, flow_id: UUID, data: Mapping[str, Any]) -> None:
        """Replace what else has to come back."""
        await self._session.execute(
            update(Flow)
            .where(Flow.id == flow_id)
            .values(data=dict(data))
            .execution_options(synchronize_session=False)
        )

    async def find(self, flow_id: UUID) -> Flow | None:
        """One by its id."""
        return await self._session.get(Flow, flow_id)

    async def give_code(
        self,
        flow_id: UUID,
        user_id: UUID,
        method: str,
        code_hash: bytes,
        now: dt.datetime,
        until: dt.datetime,
    ) -> bool:
        """The user is known: from now until then, the code finishes the flow. False when its time is over."""
        given = await self._session.execute(
            update(Flow)
            .where(Flow.id == flow_id, Flow.code_hash.is_(None), Flow.expires_at > now)
            .values(user_id=user_id, method=method, code_hash=code_hash, expires_at=until)
            .returning(Flow.id)
            .execution_options(synchronize_session=False)
        )
        return given.first() is not None

    async def use_code(self, code_hash: bytes, now: dt.datetime) -> Flow | None:
        """The flow of a code, which is used with this, whatever comes of it. Expired ones are found too."""
        used = await self._session.execute(
            update(Flow)
            .where(Flow.code_hash == code_hash, Flow.code_used_at.is_(None))
            .values(code_used_at=now)
            .returning(Flow)
            .execution_options(synchronize_session=False, populate_existing=True)
        )
        flow: Flow | None = used.scalar_one_or_none()
        return flow

    async def use_state(self, state_hash: bytes, now: dt.datetime) -> Flow | None:
        """The flow that a provider's answer belongs to, which takes no second answer. Expired ones are found too."""
        used = await self._session.execute(
            update(Flow)
            .where(Flow.state_hash == state_hash, Flow.state_used_at.is_(None))
            .values(state_used_at=now)
            .returning(Flow)
            .execution_options(synchronize_session=False, populate_existing=True)
        )
        flow: Flow | None = used.scalar_one_or_none()
        return flow

    async def sweep(self, before: dt.datetime) -> None:
        """Remove those that expired before."""
        await self._session.execute(
            delete(Flow).where(Flow.expires_at < before).execution_options(synchronize_session=False)
        )
