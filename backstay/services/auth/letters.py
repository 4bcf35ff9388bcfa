"""Letters: the mails of identity, each with a code and a link that are used once.

In charge of which template serves which purpose, and of what its link looks like. When a letter may be written is
decided by the use case, and it leaves by the post once that is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from backstay.config.auth import AuthSettings
from backstay.models.auth.user import User
from backstay.repositories.auth.one_time import OneTimeRepository
from backstay.repositories.database.sessions import Session
from backstay.repositories.mail import Mail
from backstay.services.auth.client import Client
from backstay.services.auth.one_time import INVITE_MINUTES, LINK_MINUTES, Mailed, OneTimeCodes
from backstay.services.mail.post import Post

SIGN_UP = "signup"
INVITE = "invite"
MAGIC_LINK = "magiclink"
RECOVERY = "recovery"
EMAIL_CHANGE_CURRENT = "email_change_current"
EMAIL_CHANGE_NEW = "email_change_new"
REAUTHENTICATION = "reauthentication"

_TEMPLATES: Mapping[str, str] = {
    SIGN_UP: "confirmation",
    INVITE: "invite",
    MAGIC_LINK: "magic_link",
    RECOVERY: "recovery",
    EMAIL_CHANGE_CURRENT: "email_change",
    EMAIL_CHANGE_NEW: "email_change",
    REAUTHENTICATION: "reauthentication",
}
# As `type` of `/verify` spells purposes.
_TYPES: Mapping[str, str] = {EMAIL_CHANGE_CURRENT: "email_change", EMAIL_CHANGE_NEW: "email_change"}


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail, and what is in it."""

    mail: Mail
    mailed: Mailed
    link: str


class Letters:
    """Writes them."""

    def __init__(self, codes: OneTimeCodes, post: Post, settings: AuthSettings) -> None:
        self._codes = codes
        self._post = post
        self._verify = f"{settings.public_url}/auth/v1/verify"

    async def write(
        self,
        session: Session,
        user: User,
        purpose: str,
        *,
        to: str,
        address: str,
        client: Client,
        redirect_to: str,
        flow_id: UUID | None = None,
    ) -> Letter:
        """A letter with a new code and link, within the transaction that keeps them.

        Args:
            to, address: where it goes, and the key of that.
            redirect_to: where the link leads in the end; already found to be allowed.
            flow_id: of a client that will finish by PKCE.
        """
        minutes = INVITE_MINUTES if purpose == INVITE else LINK_MINUTES
        tokens = OneTimeRepository(session)
        mailed = await self._codes.issue(
            tokens, user.id, purpose, address, flow_id=flow_id, link_minutes=minutes
        )
        link = self.link(purpose, mailed, redirect_to)
        values: dict[str, str | int] = {"code": mailed.code, "minutes": mailed.minutes}
        if purpose != REAUTHENTICATION:
            values |= {"link": link, "hours": minutes // 60}
        if purpose in (EMAIL_CHANGE_CURRENT, EMAIL_CHANGE_NEW) and user.new_email:
            values["new_address"] = user.new_email
        mail = self._post.write(_TEMPLATES[purpose], to, client.language, **values)
        return Letter(mail, mailed, link)

    def link(self, purpose: str, mailed: Mailed, redirect_to: str) -> str:
        """The address that uses the letter's token."""
        query = {"token": mailed.link_token, "type": _TYPES.get(purpose, purpose), "redirect_to": redirect_to}
        return f"{self._verify}?{urlencode(query)}"
