"""The audit log of identity: who did what to whom, in the transaction that did it, and then in the process's log.

In charge of the form of a line. A line never holds what proves anything: details that are named so are refused, and
a text is cut short.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from uuid import UUID

import structlog

from backstay.models.access.caller import Caller
from backstay.models.auth.records import AuditEntry, AuditEvent
from backstay.repositories.auth.audit import AuditRepository
from backstay.repositories.database.sessions import Session
from backstay.services.context import Context
from backstay.utils.clock import utc_now
from backstay.utils.ids import uuid7

# What commands run as: above the rules, and known by its name in the log.
CLI = Caller(role="service_role")
MAX_DETAIL_LENGTH = 200

_SECRET = re.compile(
    r"password|token|code|otp|secret|hash|verifier|challenge|nonce|cookie|credential|private"
)
_MAX_IP_LENGTH = 45  # an IPv6 address; the zone that may follow it names an interface of ours
_MAX_REQUEST_ID_LENGTH = 128

Detail = str | int | None


class Audit:
    """Writes lines."""

    def __init__(self, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._clock = clock
        self._log = structlog.get_logger("backstay.audit")

    def record(
        self,
        session: Session,
        context: Context,
        event: AuditEvent,
        *,
        user_id: UUID | None = None,
        session_id: UUID | None = None,
        **details: Detail,
    ) -> None:
        """Add a line about `user_id`. The process's log has it too, once the transaction is committed.

        Raises:
            ValueError: a detail is named like something that must not be written down.
        """
        entry = self.line(context, event, user_id=user_id, session_id=session_id, **details)
        AuditRepository(session).add(entry, kept=lambda: self.kept(entry))

    def line(
        self,
        context: Context,
        event: AuditEvent,
        *,
        user_id: UUID | None = None,
        session_id: UUID | None = None,
        **details: Detail,
    ) -> AuditEntry:
        """The line of `record`, for whoever adds it without a session; say so by `kept` once it is.

        Raises:
            ValueError: a detail is named like something that must not be written down.
        """
        if any(_SECRET.search(name) for name in details):
            raise ValueError(f"an audit line with {sorted(details)}")
        return AuditEntry(
            id=uuid7(),
            created_at=self._clock(),
            event=event.value,
            actor=actor_of(context.caller),
            user_id=user_id,
            session_id=session_id,
            request_id=_storable(context.request_id, _MAX_REQUEST_ID_LENGTH),
            client_ip=_storable(context.client_ip, _MAX_IP_LENGTH),
            details=_storable_details(details),
        )

    def kept(self, entry: AuditEntry) -> None:
        """Write a line that is durable to the process's log."""
        self._log.info(
            entry.event,
            actor=entry.actor,
            user_id=None if entry.user_id is None else str(entry.user_id),
            session_id=None if entry.session_id is None else str(entry.session_id),
            request_id=entry.request_id,
            client_ip=entry.client_ip,
            details=entry.details,
        )


def actor_of(caller: Caller) -> str:
    """Who acts, in a word of at most 40 characters: a user's id, or what kind of caller it is."""
    if caller.id is not None:
        return str(caller.id)
    if caller is CLI:
        return "cli"
    key = caller.claims.get("api_key_id")
    if key is not None:
        return f"key:{key}"
    return "service" if caller.bypasses_rules else "anonymous"


def _storable_details(details: Mapping[str, Detail]) -> dict[str, Detail]:
    return {
        name: _storable(value, MAX_DETAIL_LENGTH) if isinstance(value, str) else value
        for name, value in details.items()
    }


def _storable(text: str, most: int) -> str:
    """Text that both databases take: without NUL and lone surrogates, and not too long."""
    return text[:most].replace("\0", "").encode("utf-8", "replace").decode("utf-8")
