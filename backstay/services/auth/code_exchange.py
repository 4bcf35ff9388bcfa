"""The last step of PKCE: the client that began, alone, turns the code of a redirect into a session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from uuid import UUID

from backstay.errors import BackstayError
from backstay.models.auth.one_time import Flow
from backstay.models.auth.user import User
from backstay.repositories.auth.providers import ProvenIdentity
from backstay.repositories.auth.users import UserRepository
from backstay.repositories.database.sessions import Session
from backstay.services.auth.client import Client
from backstay.services.auth.flows import Flows
from backstay.services.auth.linking import Linking
from backstay.services.auth.sessions import AuthSessions, Signed
from backstay.services.auth.throttles import Throttles
from backstay.services.context import Context
from backstay.services.unit_of_work import UnitOfWork
from backstay.utils.clock import utc_now


class CodeExchange:
    """Uses codes, each once."""

    def __init__(
        self,
        units: UnitOfWork,
        sessions: AuthSessions,
        flows: Flows,
        linking: Linking,
        throttles: Throttles,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._units = units
        self._sessions = sessions
        self._flows = flows
        self._linking = linking
        self._throttles = throttles
        self._clock = clock

    async def exchange(self, context: Context, code: str, verifier: str, client: Client) -> Signed:
        """A session for the code of a flow; and where it left to link an identity, that is linked with this.

        Raises:
            BackstayError: `flow_state_not_found`, `flow_state_expired`, `bad_code_verifier`, `user_banned`; to link,
                `session_not_found`, `identity_already_exists`.
        """
        await self._throttles.spend(context, "exchange", None)
        async with self._units.begin(context) as session:
            flow = await self._flows.use_code(session, code, verifier)
            result = (
                flow if isinstance(flow, BackstayError) else await self._begun(session, context, flow, client)
            )
        if isinstance(result, BackstayError):
            raise result
        return result

    async def _begun(
        self, session: Session, context: Context, flow: Flow, client: Client
    ) -> Signed | BackstayError:
        """The session; or the refusal, raised only once it is kept that the code is used."""
        try:
            user = await self._user_of(session, context, flow)
        except BackstayError as refusal:
            return refusal
        return await self._sessions.begin(session, context, user, flow.method or "otp", client=client)

    async def _user_of(self, session: Session, context: Context, flow: Flow) -> User:
        user = await UserRepository(session).by_id(flow.user_id) if flow.user_id is not None else None
        if user is None:
            raise BackstayError("flow_state_not_found")
        if user.is_banned(self._clock()):
            raise BackstayError("user_banned")
        if flow.data.get("link") is not None:
            await self._linking.require_session(session, UUID(flow.data["link"]))
            proven = ProvenIdentity(**flow.data["identity"])
            return await self._linking.link(session, context, user.id, flow.data["provider"], proven)
        return user
