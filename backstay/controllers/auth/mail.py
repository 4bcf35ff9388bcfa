"""`/otp`, `/verify`, `/recover`, `/resend`, `/reauthenticate`, `PUT /user`: what goes by mail and comes back."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from backstay.controllers.auth.carry import Carry
from backstay.controllers.auth.documents import session_fields, user_document
from backstay.controllers.auth.requests import (
    Email,
    Metadata,
    Password,
    Token,
    Url,
    WithChallenge,
    client_of,
)
from backstay.controllers.endpoints import Ask, Body, Reply
from backstay.errors import BackstayError
from backstay.services.auth.changes import AccountChanges, Change
from backstay.services.auth.mail_sign_in import FlowCode, HalfChanged, MailSignIn
from backstay.services.auth.redirects import Redirects, with_fragment, with_query
from backstay.services.auth.sessions import Signed

_HALF = "Confirmation link accepted. Please proceed to confirm link sent to the other email"
_WORD = Annotated[str, Field(max_length=50)]


class OtpBody(WithChallenge):
    """`POST /otp` and `POST /magiclink`."""

    email: Email | None = None
    phone: str | None = None
    create_user: bool = True
    data: Metadata | None = None


class RecoverBody(WithChallenge):
    """`POST /recover`."""

    email: Email


class ResendBody(WithChallenge):
    """`POST /resend`."""

    type: _WORD
    email: Email | None = None
    phone: str | None = None


class VerifyBody(Body):
    """`POST /verify`: a code with its address, or the token of a link."""

    type: _WORD
    token: Token | None = None
    token_hash: Token | None = None
    email: Email | None = None
    phone: str | None = None
    redirect_to: Url | None = None


class UserBody(WithChallenge):
    """`PUT /user`."""

    email: Email | None = None
    phone: str | None = None
    password: Password | None = None
    current_password: Password | None = None
    nonce: Token | None = None
    data: Metadata | None = None


class ByMail:
    """Handlers."""

    def __init__(
        self, mails: MailSignIn, changes: AccountChanges, redirects: Redirects, carry: Carry
    ) -> None:
        self._mails = mails
        self._changes = changes
        self._redirects = redirects
        self._carry = carry

    async def otp(self, ask: Ask[OtpBody]) -> Reply:
        """200 and nothing more, whoever the address belongs to."""
        body = ask.body
        await self._mails.ask_for_code(
            ask.context,
            _email(body.email, body.phone),
            client_of(ask),
            self._redirect(ask),
            body.challenge(),
            create=body.create_user,
            metadata=body.data,
        )
        return Reply({})

    async def recover(self, ask: Ask[RecoverBody]) -> Reply:
        """200 and nothing more, whoever the address belongs to."""
        await self._mails.ask_for_recovery(
            ask.context, ask.body.email, client_of(ask), self._redirect(ask), ask.body.challenge()
        )
        return Reply({})

    async def resend(self, ask: Ask[ResendBody]) -> Reply:
        """200 and nothing more, whoever the address belongs to."""
        body = ask.body
        if body.type not in ("signup", "email_change"):
            raise BackstayError("validation_failed", "type: must be signup or email_change")
        email = _email(body.email, body.phone)
        await self._mails.resend(
            ask.context, body.type, email, client_of(ask), self._redirect(ask), body.challenge()
        )
        return Reply({})

    async def verify(self, ask: Ask[VerifyBody]) -> Reply:
        """A session, or word that the other address of a change has to agree too."""
        body = ask.body
        if body.token_hash:
            result = await self._mails.use_link(ask.context, body.type, body.token_hash, client_of(ask))
        elif body.token:
            email = _email(body.email, body.phone)
            result = await self._mails.use_code(ask.context, body.type, email, body.token, client_of(ask))
        else:
            raise BackstayError("validation_failed", "token or token_hash: is needed")
        if isinstance(result, Signed):
            return await self._carry.reply(ask, result)
        return Reply({"msg": _HALF, "code": "200"})

    async def follow(self, ask: Ask[Any]) -> Reply:
        """Where a mailed link leads: back to the site, with a session, with a code for it, or with what went wrong."""
        target = self._redirects.choose(ask.query.get("redirect_to"))
        token = ask.query.get("token") or ask.query.get("token_hash") or ""
        is_flow = token.startswith("pkce_")
        try:
            result = await self._mails.use_link(
                ask.context,
                ask.query.get("type", ""),
                token,
                client_of(ask),
                may_finish_elsewhere=True,
            )
        except BackstayError as error:
            if error.code in ("internal_error", "PGRST000"):
                raise
            return _redirect(_with_error(target, error, is_flow=is_flow))
        if isinstance(result, FlowCode):
            return _redirect(with_query(target, {"code": result.code}))
        if isinstance(result, HalfChanged):
            return _redirect(with_fragment(target, {"message": _HALF}))
        if self._carry.wants_cookie(ask):
            return _redirect(target, await self._carry.header(ask, result))
        return _redirect(with_fragment(target, {**session_fields(result), "type": ask.query.get("type", "")}))

    async def reauthenticate(self, ask: Ask[Any]) -> Reply:
        """200, and a code is on its way to the caller's address."""
        self._carry.require_own_page(ask)
        await self._changes.ask_for_nonce(ask.context, client_of(ask), self._redirect(ask))
        return Reply({})

    async def update(self, ask: Ask[UserBody]) -> Reply:
        """The account after the change."""
        body = ask.body
        if body.phone:
            raise BackstayError("validation_failed", "phone: telephone numbers are not supported")
        change = Change(body.data, body.email, body.password, body.current_password, body.nonce)
        account = await self._changes.update(
            ask.context, change, client_of(ask), self._redirect(ask), body.challenge()
        )
        return Reply(user_document(account))

    def _redirect(self, ask: Ask[Any]) -> str:
        return self._redirects.choose(ask.query.get("redirect_to"))


def _email(email: str | None, phone: str | None) -> str:
    if phone:
        raise BackstayError("validation_failed", "phone: signing in by telephone is not supported")
    if not email:
        raise BackstayError("validation_failed", "email: is needed")
    return email


def _redirect(url: str, *headers: tuple[bytes, bytes]) -> Reply:
    return Reply(status=303, headers=((b"location", url.encode("ascii")), *headers))


def _with_error(target: str, error: BackstayError, *, is_flow: bool) -> str:
    message = "Email link is invalid or has expired" if error.code == "otp_expired" else error.message
    values = {"error": "access_denied", "error_code": error.code, "error_description": message}
    return with_fragment(with_query(target, values) if is_flow else target, values)
