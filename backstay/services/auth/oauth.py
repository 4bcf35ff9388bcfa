"""Sign-in at providers: the way there and back, and which account somebody gets.

In charge of state, which is used once and by the browser that began; of what is kept for the exchange; and of the
linking table of docs/decisions/0018-oauth-login.md. What a provider says is proven in `repositories/auth/providers`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from backstay.config.auth import AuthSettings
from backstay.errors import BackstayError
from backstay.models.auth.account import Account
from backstay.models.auth.addresses import Address, read_address
from backstay.models.auth.identity import EMAIL_PROVIDER, Identity
from backstay.models.auth.one_time import Flow
from backstay.models.auth.records import AuditEvent
from backstay.models.auth.user import User
from backstay.repositories.auth.one_time import FlowRepository, OneTimeRepository
from backstay.repositories.auth.providers import Exchange, ProvenIdentity, Provider
from backstay.repositories.auth.roles import RoleRepository
from backstay.repositories.auth.users import IdentityRepository, UserRepository
from backstay.repositories.database.sessions import Session
from backstay.services.auth.accounts import make_known, new_user
from backstay.services.auth.audit import Audit
from backstay.services.auth.client import Client
from backstay.services.auth.flows import Challenge, Flows
from backstay.services.auth.sealing import Sealing
from backstay.services.auth.sessions import AuthSessions, Signed
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
    code: str | None = None
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
        flows: Flows,
        throttles: Throttles,
        audit: Audit,
        settings: AuthSettings,
        secret: bytes,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._units = units
        self._providers = dict(providers)
        self._sessions = sessions
        self._flows = flows
        self._throttles = throttles
        self._audit = audit
        self._settings = settings
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
        *,
        link: bool = False,
        carries_cookie: bool = False,
    ) -> Departure:
        """The address of the provider, for a sign-in or to link an identity to the caller.

        Raises:
            BackstayError: `oauth_provider_not_supported`, `provider_unavailable`, `over_request_rate_limit`.
        """
        provider = self._provider(name)
        await self._throttles.spend(context, "oauth", None)
        state, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        exchange = Exchange(self._callback, secrets.token_urlsafe(48), secrets.token_urlsafe(32))
        url = await provider.address(state, exchange, scopes)
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
                "link": str(context.caller.id) if link else None,
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
        if not hmac.compare_digest(_hashed(answer.browser or ""), self._kept(flow)["browser"]):
            raise BackstayError("bad_oauth_state")
        return flow

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
        ended: list[UUID] = []
        async with self._units.begin(context) as session:
            if linked is not None:
                user = await self._link(session, context, UUID(linked), name, proven)
            else:
                user = await self._user_of(session, context, name, proven, ended)
            if user.is_banned(self._clock()):
                raise BackstayError("user_banned")
            if flow.challenge is not None:
                return None, await self._flows.give_code(session, flow.id, user.id, METHOD)
            signed = await self._sessions.begin(session, context, user, METHOD, client=client, provider=name)
        self._sessions.forget(ended)
        return signed, None

    async def sign_in_by_token(
        self, context: Context, name: str, id_token: str, nonce: str | None, client: Client
    ) -> Signed:
        """A session for a token that an application on a device got from the provider by itself.

        Raises:
            BackstayError: `oauth_provider_not_supported`, `bad_oauth_callback`, `provider_unavailable`, `user_banned`.
        """
        provider = self._provider(name)
        await self._throttles.spend(context, "oauth", None)
        proven = await provider.identity_of_token(id_token, nonce)
        ended: list[UUID] = []

        async def sign() -> Signed:
            async with self._units.begin(context) as session:
                user = await self._user_of(session, context, name, proven, ended)
                return await self._sessions.begin(
                    session, context, user, METHOD, client=client, provider=name
                )

        signed = await once_more(sign)
        self._sessions.forget(ended)
        return signed

    async def _user_of(
        self, session: Session, context: Context, name: str, proven: ProvenIdentity, ended: list[UUID]
    ) -> User:
        """The account of an identity: the table of docs/decisions/0018-oauth-login.md, row by row."""
        users, identities = UserRepository(session), IdentityRepository(session)
        known = await identities.find(proven.issuer, proven.subject)
        now = self._clock()
        if known is not None:
            await identities.signed_in(known.id, now)
            user = await users.by_id(known.user_id)
            if user is None:
                raise BackstayError("user_not_found")
            return user
        address = _address(proven)
        local = await users.by_key(address.key) if address is not None else None
        if local is None or not proven.email_verified:
            user = await self._new(session, context, address if local is None else None, proven)
        elif local.email_confirmed_at is not None:
            user = local
        else:
            user = local
            ended += await self._take_over(session, context, local)
        await self._add(session, context, user, name, proven)
        return user

    async def _new(
        self, session: Session, context: Context, address: Address | None, proven: ProvenIdentity
    ) -> User:
        """An account of its own; with the address only if the provider vouches for it and nobody has it."""
        if not self._settings.sign_up:
            raise BackstayError("signup_disabled")
        now = self._clock()
        if address is not None and proven.email_verified:
            user = new_user(address, proven.claims, now)
            user.email_confirmed_at = now
        else:
            user = User(user_metadata=dict(proven.claims), is_anonymous=False, created_at=now)
        user.app_metadata = {}
        await UserRepository(session).add(user)
        await RoleRepository(session).grant_default(user.id)
        self._audit.record(session, context, AuditEvent.USER_SIGNED_UP, user_id=user.id)
        return user

    async def _take_over(self, session: Session, context: Context, user: User) -> list[UUID]:
        """Somebody signed up with this address and never proved it: nothing of theirs stays."""
        user.password_hash = None
        user.user_metadata = {}
        user.email_confirmed_at = self._clock()
        await OneTimeRepository(session).drop(user.id)
        await UserRepository(session).delete_proofs(user.id)
        await RoleRepository(session).grant_default(user.id)
        ended = await self._sessions.end_all(session, context, user.id)
        user.app_metadata = {}
        return list(ended)

    async def _link(
        self, session: Session, context: Context, user_id: UUID, name: str, proven: ProvenIdentity
    ) -> User:
        user = await UserRepository(session).by_id(user_id)
        if user is None:
            raise BackstayError("user_not_found")
        known = await IdentityRepository(session).find(proven.issuer, proven.subject)
        if known is not None and known.user_id != user_id:
            raise BackstayError("identity_already_exists")
        if known is None:
            await self._add(session, context, user, name, proven)
            await make_known(session, user)
        return user

    async def _add(
        self, session: Session, context: Context, user: User, name: str, proven: ProvenIdentity
    ) -> None:
        now = self._clock()
        data: dict[str, Any] = {
            **proven.claims,
            "sub": proven.subject,
            "email": proven.email,
            "email_verified": proven.email_verified,
        }
        identity = Identity(
            user_id=user.id,
            provider=name,
            issuer=proven.issuer,
            subject=proven.subject,
            email=proven.email,
            data=data,
            last_sign_in_at=now,
            created_at=now,
        )
        await IdentityRepository(session).add(identity)
        await self._name_providers(session, user)
        self._audit.record(session, context, AuditEvent.IDENTITY_LINKED, user_id=user.id, provider=name)

    async def _name_providers(self, session: Session, user: User) -> None:
        """Say in the metadata how the user signs in."""
        found = await IdentityRepository(session).of_user(user.id)
        names = list(dict.fromkeys(one.provider for one in found))
        rest = {
            key: value for key, value in user.app_metadata.items() if key not in ("provider", "providers")
        }
        first = user.app_metadata.get("provider")
        user.app_metadata = {**rest, "provider": first if first in names else names[0], "providers": names}

    async def unlink(self, context: Context, user_id: UUID, identity_id: UUID) -> Account:
        """Remove one of the caller's identities, as long as another one is left.

        Raises:
            BackstayError: `identity_not_found`, `single_identity_not_deletable`, `insufficient_aal`.
        """
        async with self._units.begin(context) as session:
            users, identities = UserRepository(session), IdentityRepository(session)
            user = await users.by_id(user_id)
            found = await identities.of_user(user_id)
            if user is None or all(one.id != identity_id for one in found):
                raise BackstayError("identity_not_found")
            if len(found) < 2:
                raise BackstayError("single_identity_not_deletable")
            if (await users.account(user)).has_second_factor and context.caller.aal < 2:
                raise BackstayError("insufficient_aal", "AAL2 required to unlink an identity")
            gone = next(one for one in found if one.id == identity_id)
            if gone.provider == EMAIL_PROVIDER:
                user.password_hash = None
            await identities.delete(identity_id)
            await self._name_providers(session, user)
            self._audit.record(
                session, context, AuditEvent.IDENTITY_UNLINKED, user_id=user_id, provider=gone.provider
            )
            return await users.account(user)


def _address(proven: ProvenIdentity) -> Address | None:
    if not proven.email:
        return None
    try:
        return read_address(proven.email)
    except BackstayError:
        return None


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
