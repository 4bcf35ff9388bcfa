"""Sign-in at providers: the way there and back, and which account somebody gets.

In charge of state, which is used once and by the browser that began, and of what is kept for the exchange. Whose account
an identity opens is decided in `linking.py`; what a provider says is proven in `repositories/auth/providers`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import UUID

from backstay.config.auth import AuthSettings
from backstay.errors import BackstayError
from backstay.models.auth.one_time import Flow
from backstay.repositories.auth.one_time import FlowRepository
from backstay.repositories.auth.providers import Exchange, ProvenIdentity, Provider
from backstay.services.auth.client import Client
from backstay.services.auth.flows import Challenge, Flows
from backstay.services.auth.linking import Linking
from backstay.services.auth.sealing import Sealing
from backstay.services.auth.sessions import AuthSessions, Signed, session_of
from backstay.services.auth.throttles import Throttles
from backstay.services.context import Context
from backstay.services.unit_of_work import UnitOfWork, once_more
from backstay.utils.clock import utc_now

# From the redirect to the provider until the browser is back.
MINUTES = 10
METHOD = "oauth"
_PURPOSE = b"backstay oauth flows, version 1"
_MAX_TEXT = 4096


@dataclass(frozen=True, slots=True)
class Departure:
    """A browser on its way to a provider.

    Attributes:
        browser: what it has to bring back in a cookie, to show that it is the same one.
        posts_back: the provider lets the browser post its answer, so the cookie has to go with that.
    """

    url: str
    browser: str = field(repr=False)
    posts_back: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """A browser that is back: with a session, with a code for the client that waits, or with what went wrong."""

    redirect_to: str
    is_flow: bool
    carries_cookie: bool
    signed: Signed | None = None
    code: str | None = field(default=None, repr=False)
    error: BackstayError | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came with the browser.

    Attributes:
        issuer: `iss` (RFC 9207).
        error: the provider's, instead of a code.
        browser: the cookie of the browser that left.
    """

    state: str | None
    code: str | None = field(repr=False)
    issuer: str | None
    error: str | None
    browser: str | None = field(repr=False)


class OAuth:
    """Sends browsers away and takes them back.

    Args:
        providers: those that are switched on, by name.
        secret: the server's.
    """

    def __init__(
        self,
        units: UnitOfWork,
        providers: Mapping[str, Provider],
        sessions: AuthSessions,
        linking: Linking,
        flows: Flows,
        throttles: Throttles,
        settings: AuthSettings,
        secret: bytes,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._units = units
        self._providers = dict(providers)
        self._sessions = sessions
        self._linking = linking
        self._flows = flows
        self._throttles = throttles
        self._sealing = Sealing(secret, _PURPOSE)
        self._clock = clock
        self._callback = f"{settings.public_url}/auth/v1/callback"

    async def depart(
        self,
        context: Context,
        name: str,
        redirect_to: str,
        challenge: Challenge | None,
        scopes: tuple[str, ...] = (),
        options: Mapping[str, str] = MappingProxyType({}),
        *,
        link: bool = False,
        carries_cookie: bool = False,
    ) -> Departure:
        """The address of the provider, for a sign-in or to link an identity to the caller.

        Args:
            options: for the provider, such as `prompt`.

        Raises:
            BackstayError: `oauth_provider_not_supported`, `provider_unavailable`, `over_request_rate_limit`; to link,
                `insufficient_aal`.
        """
        provider = self._provider(name)
        await self._throttles.spend(context, "oauth", None)
        if link:
            await self._linking.require_may_link(context)
        state, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        exchange = Exchange(self._callback, secrets.token_urlsafe(48), secrets.token_urlsafe(32))
        url = await provider.address(state, exchange, scopes, options)
        now = self._clock()
        kept = {"verifier": exchange.verifier, "nonce": exchange.nonce, "browser": _hashed(browser)}
        state_hash = hashlib.sha256(state.encode()).digest()
        flow = Flow(
            kind="oauth",
            challenge=challenge.text if challenge else None,
            challenge_method=challenge.method if challenge else None,
            state_hash=state_hash,
            secrets=self._sealing.seal(json.dumps(kept).encode(), state_hash),
            data={
                "provider": name,
                "redirect_to": redirect_to,
                "link": str(session_of(context)) if link else None,
                "cookie": carries_cookie,
            },
            created_at=now,
            expires_at=now + dt.timedelta(minutes=MINUTES),
        )
        async with self._units.begin(context) as session:
            await FlowRepository(session).add(flow)
        return Departure(url, browser, provider.posts_back)

    def _provider(self, name: str) -> Provider:
        provider = self._providers.get(name)
        if provider is None:
            raise BackstayError("oauth_provider_not_supported")
        return provider

    async def arrive(self, context: Context, answer: Answer, client: Client) -> Arrival:
        """What becomes of a browser that comes back. The state is used, whatever that is.

        Raises:
            BackstayError: `bad_oauth_state`, when it is not known where the browser belongs.
        """
        await self._throttles.spend(context, "oauth", None)
        flow = await self._used_flow(context, answer)
        data, is_flow = flow.data, flow.challenge is not None
        try:
            proven = await self._proven(flow, answer)
            signed, code = await once_more(lambda: self._signed_in(context, flow, proven, client))
        except BackstayError as error:
            return Arrival(data["redirect_to"], is_flow, data["cookie"], error=error)
        return Arrival(data["redirect_to"], is_flow, data["cookie"], signed=signed, code=code)

    async def _used_flow(self, context: Context, answer: Answer) -> Flow:
        if not answer.state or len(answer.state) > _MAX_TEXT:
            raise BackstayError("bad_oauth_state")
        state_hash = hashlib.sha256(answer.state.encode("utf-8", "replace")).digest()
        async with self._units.begin(context) as session:
            flow = await FlowRepository(session).use_state(state_hash, self._clock())
        if flow is None or flow.expires_at <= self._clock():
            raise BackstayError("bad_oauth_state")
        if not (_links_at_exchange(flow) or self._is_own_browser(flow, answer)):
            raise BackstayError("bad_oauth_state")
        return flow

    def _is_own_browser(self, flow: Flow, answer: Answer) -> bool:
        return hmac.compare_digest(_hashed(answer.browser or ""), self._kept(flow)["browser"])

    def _kept(self, flow: Flow) -> dict[str, str]:
        try:
            kept: dict[str, str] = json.loads(self._sealing.open(flow.secrets or b"", flow.state_hash or b""))
        except ValueError:
            raise BackstayError("bad_oauth_state") from None
        return kept

    async def _proven(self, flow: Flow, answer: Answer) -> ProvenIdentity:
        if answer.error or not answer.code or len(answer.code) > _MAX_TEXT:
            raise BackstayError("bad_oauth_callback")
        kept = self._kept(flow)
        exchange = Exchange(self._callback, kept["verifier"], kept["nonce"], answer.issuer)
        return await self._provider(flow.data["provider"]).identity(answer.code, exchange)

    async def _signed_in(
        self, context: Context, flow: Flow, proven: ProvenIdentity, client: Client
    ) -> tuple[Signed | None, str | None]:
        name, linked = flow.data["provider"], flow.data["link"]
        signed, code, ended = None, None, list[UUID]()
        async with self._units.begin(context) as session:
            if linked is None:
                user = await self._linking.user_of(session, context, name, proven, ended)
            else:
                user_id = await self._linking.require_session(session, UUID(linked))
                if _links_at_exchange(flow):
                    user = await self._linking.promise(session, flow, user_id, proven)
                else:
                    user = await self._linking.link(session, context, user_id, name, proven)
            if user.is_banned(self._clock()):
                raise BackstayError("user_banned")
            if flow.challenge is not None:
                code = await self._flows.give_code(session, flow.id, user.id, METHOD)
            else:
                signed = await self._sessions.begin(
                    session, context, user, METHOD, client=client, provider=name
                )
        self._sessions.forget(ended)
        return signed, code

    async def sign_in_by_token(
        self,
        context: Context,
        name: str,
        id_token: str,
        nonce: str | None,
        client: Client,
        *,
        link: bool = False,
    ) -> Signed:
        """A session for a token that an application on a device got from the provider by itself.

        Args:
            link: the identity becomes one of the caller's, whose session it is.

        Raises:
            BackstayError: `oauth_provider_not_supported`, `bad_oauth_callback`, `provider_unavailable`, `user_banned`;
                to link, `no_authorization`, `insufficient_aal`, `identity_already_exists`.
        """
        provider = self._provider(name)
        await self._throttles.spend(context, "oauth", None)
        user_id = await self._linking.require_may_link(context) if link else None
        proven = await provider.identity_of_token(id_token, nonce)
        ended: list[UUID] = []

        async def sign() -> Signed:
            async with self._units.begin(context) as session:
                if user_id is not None:
                    user = await self._linking.link(session, context, user_id, name, proven)
                else:
                    user = await self._linking.user_of(session, context, name, proven, ended)
                return await self._sessions.begin(
                    session, context, user, METHOD, client=client, provider=name
                )

        signed = await once_more(sign)
        self._sessions.forget(ended)
        return signed


def _links_at_exchange(flow: Flow) -> bool:
    """Whether the client that began proves itself at the end, so that it does not matter whose browser comes back."""
    return flow.data["link"] is not None and flow.challenge is not None


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
