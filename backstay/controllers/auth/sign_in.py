"""`/signup`, `/token`, `/logout`, `/user`, `/settings`: from a password to a session and back."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import Field

from backstay.controllers.auth.carry import DROPPED, Carry
from backstay.controllers.auth.documents import user_document
from backstay.controllers.auth.requests import (
    Email,
    Metadata,
    Password,
    Token,
    WithChallenge,
    client_of,
    path_id,
    user_id_of,
)
from backstay.controllers.endpoints import Ask, Body, Reply
from backstay.errors import BackstayError
from backstay.models.auth.session import AuthSession
from backstay.services.auth.accounts import Accounts
from backstay.services.auth.code_exchange import CodeExchange
from backstay.services.auth.cookie_sessions import session_cookie
from backstay.services.auth.csrf import Csrf
from backstay.services.auth.oauth import OAuth
from backstay.services.auth.redirects import Redirects
from backstay.services.auth.sessions import AuthSessions, Scope, Signed, session_of

# The cache and storage of the page that signs out hold what its user saw (security.md 2.1, 14.3.1).
_CLEAR = (b"clear-site-data", b'"cache", "cookies", "storage"')


class SignUpBody(WithChallenge):
    """`POST /signup`."""

    email: Email | None = None
    phone: str | None = None
    password: Password | None = None
    data: Metadata | None = None


class TokenBody(Body):
    """`POST /token`, for every grant type."""

    email: Email | None = None
    phone: str | None = None
    password: Password | None = None
    refresh_token: Token | None = None
    auth_code: Token | None = None
    code_verifier: Annotated[str, Field(max_length=1000)] | None = None
    provider: Annotated[str, Field(max_length=50)] | None = None
    id_token: Annotated[str, Field(max_length=20_000)] | None = None
    nonce: Annotated[str, Field(max_length=1000)] | None = None
    link_identity: bool = False


class SignIn:
    """Handlers."""

    def __init__(
        self,
        accounts: Accounts,
        sessions: AuthSessions,
        codes: CodeExchange,
        oauth: OAuth,
        redirects: Redirects,
        carry: Carry,
        csrf: Csrf,
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._codes = codes
        self._oauth = oauth
        self._redirects = redirects
        self._carry = carry
        self._csrf = csrf

    async def sign_up(self, ask: Ask[SignUpBody]) -> Reply:
        """A session, or the user who has to confirm the address."""
        body = ask.body
        if body.phone:
            raise BackstayError("validation_failed", "phone: signing up by telephone is not supported")
        if not body.email and not body.password:
            signed = await self._accounts.sign_up_anonymously(ask.context, body.data or {}, client_of(ask))
            return await self._carry.reply(ask, signed)
        if not body.email or not body.password:
            raise BackstayError("validation_failed", "Signup requires a valid email and password")
        made = await self._accounts.sign_up(
            ask.context,
            body.email,
            body.password,
            body.data or {},
            client_of(ask),
            self._redirects.choose(ask.query.get("redirect_to")),
            body.challenge(),
        )
        return await self._carry.reply(ask, made) if isinstance(made, Signed) else Reply(user_document(made))

    async def token(self, ask: Ask[TokenBody]) -> Reply:
        """A session for a password, a refresh token or the code of a flow."""
        grant, body = ask.query.get("grant_type"), ask.body
        if grant == "password":
            if not body.email or body.password is None:
                raise BackstayError("validation_failed", "email and password: are needed")
            signed = await self._accounts.sign_in(ask.context, body.email, body.password, client_of(ask))
            return await self._carry.reply(ask, signed)
        if grant == "refresh_token":
            if not body.refresh_token:
                raise BackstayError("validation_failed", "refresh_token: is needed")
            return await self._carry.reply(ask, await self._sessions.renew(ask.context, body.refresh_token))
        if grant == "pkce":
            if not body.auth_code or not body.code_verifier:
                raise BackstayError("validation_failed", "auth_code and code_verifier: are needed")
            signed = await self._codes.exchange(
                ask.context, body.auth_code, body.code_verifier, client_of(ask)
            )
            return await self._carry.reply(ask, signed)
        if grant == "id_token":
            if not body.provider or not body.id_token:
                raise BackstayError("validation_failed", "provider and id_token: are needed")
            signed = await self._oauth.sign_in_by_token(
                ask.context,
                body.provider,
                body.id_token,
                body.nonce,
                client_of(ask),
                link=body.link_identity,
            )
            return await self._carry.reply(ask, signed)
        raise BackstayError(
            "validation_failed", "grant_type: must be password, refresh_token, pkce or id_token"
        )

    async def sign_out(self, ask: Ask[Any]) -> Reply:
        """204, and the sessions are over."""
        scope = ask.query.get("scope", "global")
        if scope not in get_args(Scope):
            raise BackstayError("validation_failed", "scope: must be global, local or others")
        await self._sessions.sign_out(ask.context, scope)  # type: ignore[arg-type]  # checked above
        return Reply(status=204, headers=() if scope == "others" else (_CLEAR, DROPPED))

    async def csrf_token(self, ask: Ask[Any]) -> Reply:
        """What proves pages of the application, for a caller with a cookie."""
        cookie = session_cookie(ask.header(b"cookie").encode("latin-1"))
        if cookie is None:
            raise BackstayError("validation_failed", "This is for sessions that a cookie carries.")
        return Reply({"csrf_token": self._csrf.token(cookie)})

    async def user(self, ask: Ask[Any]) -> Reply:
        """The caller's own account."""
        return Reply(user_document(await self._accounts.get(ask.context, user_id_of(ask))))

    async def list_sessions(self, ask: Ask[Any]) -> Reply:
        """Where the caller is signed in."""
        own = session_of(ask.context)
        found = await self._sessions.list(ask.context, user_id_of(ask))
        return Reply({"sessions": [{**session_line(row), "current": row.id == own} for row in found]})

    async def end_session(self, ask: Ask[Any]) -> Reply:
        """204, and one session of the caller is over."""
        session_id = path_id(ask, "session_id", "session_not_found")
        await self._sessions.end_one(ask.context, user_id_of(ask), session_id)
        return Reply(status=204)


def session_line(row: AuthSession) -> dict[str, Any]:
    """A session for people to recognise."""
    return {
        "id": str(row.id),
        "created_at": row.created_at.isoformat(),
        "renewed_at": row.renewed_at.isoformat(),
        "expires_at": row.expires_at.isoformat(),
        "aal": f"aal{row.level}",
        "amr": row.methods,
        "client_ip": row.client_ip,
        "user_agent": row.user_agent,
    }
