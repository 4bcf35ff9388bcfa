"""`/admin/…` and `/invite`: users, roles, API keys and the audit log, for those who look after them."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from backstay.controllers.auth.documents import factor_document, user_document
from backstay.controllers.auth.requests import Email, Metadata, Password, Url, client_of, path_id
from backstay.controllers.auth.sign_in import session_line
from backstay.controllers.endpoints import Ask, Body, Reply
from backstay.controllers.http import Header
from backstay.errors import BackstayError
from backstay.services.auth.administration import MAX_PAGE, Administration, UserValues
from backstay.services.auth.claims import USER_ROLE
from backstay.services.auth.factor_removal import FactorRemoval
from backstay.services.auth.factors import Factors
from backstay.services.auth.invitations import Invitations, WantedLink
from backstay.services.auth.redirects import Redirects
from backstay.services.auth.sessions import AuthSessions

_PER_PAGE = 50
_MOST_PAGES = 1_000_000
_Word = Annotated[str, Field(max_length=100)]


class AdminUserBody(Body):
    """`POST /admin/users` and `PUT /admin/users/{user_id}`."""

    id: UUID | None = None
    email: Email | None = None
    phone: str | None = None
    password: Password | None = None
    password_hash: Password | None = None
    email_confirm: bool | None = None
    user_metadata: Metadata | None = None
    app_metadata: Metadata | None = None
    ban_duration: _Word | None = None
    role: _Word | None = None
    aud: _Word | None = None

    def values(self) -> UserValues:
        """The same in the words of the service."""
        if self.phone:
            raise BackstayError("validation_failed", "phone: telephone numbers are not supported")
        for name, value in (("role", self.role), ("aud", self.aud)):
            # To leave it out in silence would let somebody believe that it was given.
            if value and value != USER_ROLE:
                raise BackstayError(
                    "validation_failed", f"{name}: is {USER_ROLE} for every user; roles are granted"
                )
        return UserValues(
            self.id,
            self.email,
            self.password,
            self.password_hash,
            self.email_confirm,
            self.user_metadata,
            self.app_metadata,
            self.ban_duration,
        )


class DeleteUserBody(Body):
    """`DELETE /admin/users/{user_id}`."""

    should_soft_delete: bool = False


class InviteBody(Body):
    """`POST /invite`."""

    email: Email
    data: Metadata | None = None


class LinkBody(Body):
    """`POST /admin/generate_link`."""

    type: _Word
    email: Email
    new_email: Email | None = None
    password: Password | None = None
    data: Metadata | None = None
    redirect_to: Url | None = None


class UserAdmin:
    """Handlers."""

    def __init__(
        self,
        administration: Administration,
        invitations: Invitations,
        sessions: AuthSessions,
        factors: Factors,
        removal: FactorRemoval,
        redirects: Redirects,
    ) -> None:
        self._administration = administration
        self._invitations = invitations
        self._sessions = sessions
        self._factors = factors
        self._removal = removal
        self._redirects = redirects

    async def create(self, ask: Ask[AdminUserBody]) -> Reply:
        """The new user."""
        return Reply(user_document(await self._administration.create(ask.context, ask.body.values())))

    async def list(self, ask: Ask[Any]) -> Reply:
        """A page of users."""
        page, per_page = page_of(ask)
        found, count = await self._administration.page(ask.context, page, per_page)
        users = [user_document(account) for account in found]
        return Reply({"users": users, "aud": USER_ROLE}, headers=page_headers(ask, page, per_page, count))

    async def get(self, ask: Ask[Any]) -> Reply:
        """One user."""
        return Reply(user_document(await self._administration.get(ask.context, _user_id(ask))))

    async def update(self, ask: Ask[AdminUserBody]) -> Reply:
        """The user after the change."""
        if ask.body.id is not None and ask.body.id != _user_id(ask):
            raise BackstayError("validation_failed", "id: cannot be changed")
        account = await self._administration.update(ask.context, _user_id(ask), ask.body.values())
        return Reply(user_document(account))

    async def delete(self, ask: Ask[DeleteUserBody]) -> Reply:
        """200, and the user is gone."""
        await self._administration.delete(ask.context, _user_id(ask), keep_row=ask.body.should_soft_delete)
        return Reply({})

    async def sessions(self, ask: Ask[Any]) -> Reply:
        """Where the user is signed in."""
        await self._administration.get(ask.context, _user_id(ask))
        found = await self._sessions.list(ask.context, _user_id(ask))
        return Reply({"sessions": [session_line(row) for row in found]})

    async def end_sessions(self, ask: Ask[Any]) -> Reply:
        """204, and the user is signed out everywhere."""
        await self._administration.end_sessions(ask.context, _user_id(ask))
        return Reply(status=204)

    async def factors(self, ask: Ask[Any]) -> Reply:
        """The user's second factors."""
        await self._administration.get(ask.context, _user_id(ask))
        found = await self._factors.list_of(ask.context, _user_id(ask))
        return Reply([factor_document(factor) for factor in found])

    async def delete_factor(self, ask: Ask[Any]) -> Reply:
        """The id of the factor that is gone."""
        factor_id = path_id(ask, "factor_id", "mfa_factor_not_found")
        await self._administration.require_governed(ask.context, _user_id(ask))
        await self._removal.delete_for(ask.context, _user_id(ask), factor_id)
        return Reply({"id": str(factor_id)})

    async def invite(self, ask: Ask[InviteBody]) -> Reply:
        """The user who has yet to say yes."""
        target = self._redirects.choose(ask.query.get("redirect_to"))
        account = await self._invitations.invite(
            ask.context, ask.body.email, ask.body.data or {}, client_of(ask), target
        )
        return Reply(user_document(account))

    async def link(self, ask: Ask[LinkBody]) -> Reply:
        """A link that signs in, and the user whom it is for."""
        body = ask.body
        target = self._redirects.choose(body.redirect_to or ask.query.get("redirect_to"))
        wanted = WantedLink(body.type, body.email, body.password, body.new_email, body.data)
        account, letter = await self._invitations.link(ask.context, wanted, client_of(ask), target)
        return Reply(
            {
                **user_document(account),
                "action_link": letter.link,
                "email_otp": letter.mailed.code,
                "hashed_token": letter.mailed.link_token,
                "verification_type": body.type,
                "redirect_to": target,
            }
        )


def _user_id(ask: Ask[Any]) -> UUID:
    return path_id(ask, "user_id", "user_not_found")


def page_of(ask: Ask[Any]) -> tuple[int, int]:
    """Page, from 1, and lines of one.

    Raises:
        BackstayError: `validation_failed`.
    """
    return _number(ask, "page", 1, _MOST_PAGES), _number(ask, "per_page", _PER_PAGE, MAX_PAGE)


def _number(ask: Ask[Any], name: str, default: int, most: int) -> int:
    # Clients send an absent parameter as an empty one.
    text = ask.query.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= most:
        raise BackstayError("validation_failed", f"{name}: must be 1 to {most}")
    return int(text)


def page_headers(ask: Ask[Any], page: int, per_page: int, count: int) -> tuple[Header, ...]:
    """How many there are, and where the next and the last page are (RFC 8288)."""
    last = max(1, -(-count // per_page))
    links = [(last, "last")] if page >= last else [(page + 1, "next"), (last, "last")]
    path = ask.http.path
    text = ", ".join(f'<{path}?page={number}&per_page={per_page}>; rel="{rel}"' for number, rel in links)
    return (b"x-total-count", b"%d" % count), (b"link", text.encode())


def moment_of(ask: Ask[Any], name: str) -> dt.datetime | None:
    """A point in time in the query, with its zone.

    Raises:
        BackstayError: `validation_failed`.
    """
    text = ask.query.get(name)
    if not text:
        return None
    moment = None
    with suppress(ValueError):
        moment = dt.datetime.fromisoformat(text.replace(" ", "+"))
    if moment is None or moment.tzinfo is None:
        raise BackstayError("validation_failed", f"{name}: must be a time with its zone (RFC 3339)")
    return moment
