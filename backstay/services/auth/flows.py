"""Flows: a sign-in that leaves the page and comes back with a code, which only who began it can use (RFC 7636).

In charge of challenges, verifiers and codes. What is done outside the page, at a provider or in a mailbox, is not
known here.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from backstay.errors import BackstayError
from backstay.models.auth.one_time import Flow
from backstay.repositories.auth.one_time import FlowRepository
from backstay.repositories.database.sessions import Session
from backstay.utils.clock import utc_now

# From asking for a mail to following its link.
MAIL_FLOW_MINUTES = 60
# From the redirect to the exchange, which the page does at once.
CODE_MINUTES = 5

_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)
_CODE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a client commits itself to, in the words of RFC 7636 section 4.3."""

    text: str
    method: str

    @classmethod
    def read(cls, text: str | None, method: str | None) -> Challenge | None:
        """The challenge of a request, or None when it holds none.

        Raises:
            BackstayError: `validation_failed`, when it is half there or malformed.
        """
        if not text and not method:
            return None
        name = (method or "").lower()
        if not text or _CHALLENGE.fullmatch(text) is None:
            raise BackstayError(
                "validation_failed", "code_challenge: must be 43 to 128 characters of A-Z a-z 0-9 . _ ~ -"
            )
        if name not in ("s256", "plain"):
            raise BackstayError("validation_failed", "code_challenge_method: must be s256 or plain")
        return cls(text, name)

    def is_met_by(self, verifier: str) -> bool:
        """Whether the verifier is the one that the client committed itself to."""
        if _CHALLENGE.fullmatch(verifier) is None:
            return False
        digest = hashlib.sha256(verifier.encode("ascii")).digest()
        made = base64.urlsafe_b64encode(digest).rstrip(b"=").decode() if self.method == "s256" else verifier
        return hmac.compare_digest(made, self.text)


class Flows:
    """Opens flows and finishes them."""

    def __init__(self, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._clock = clock

    async def open_for_mail(self, session: Session, challenge: Challenge | None) -> UUID | None:
        """A flow that a mailed link will come back to; None for a client that gave no challenge."""
        if challenge is None:
            return None
        now = self._clock()
        flow = Flow(
            kind="email",
            challenge=challenge.text,
            challenge_method=challenge.method,
            data={},
            created_at=now,
            expires_at=now + dt.timedelta(minutes=MAIL_FLOW_MINUTES),
        )
        await FlowRepository(session).add(flow)
        return flow.id

    async def give_code(self, session: Session, flow_id: UUID, user_id: UUID, method: str) -> str:
        """The code for the redirect, now that the user is known.

        Raises:
            BackstayError: `flow_state_expired`.
        """
        code = secrets.token_urlsafe(32)
        now = self._clock()
        until = now + dt.timedelta(minutes=CODE_MINUTES)
        if not await FlowRepository(session).give_code(flow_id, user_id, method, _digest(code), now, until):
            raise BackstayError("flow_state_expired")
        return code

    async def use_code(self, session: Session, code: str, verifier: str) -> Flow | BackstayError:
        """The flow of a code, whose user is known; or the refusal, raised by the caller once the use is kept."""
        if _CODE.fullmatch(code) is None:
            return BackstayError("flow_state_not_found")
        flow = await FlowRepository(session).use_code(_digest(code), self._clock())
        if flow is None or flow.user_id is None or flow.challenge is None:
            return BackstayError("flow_state_not_found")
        if flow.expires_at <= self._clock():
            return BackstayError("flow_state_expired")
        if not Challenge(flow.challenge, flow.challenge_method or "").is_met_by(verifier):
            return BackstayError("bad_code_verifier")
        return flow


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("ascii")).digest()
