"""The audit log of identity: who did what to whom, in the transaction that did it, and in the process's log.

In charge of the form of a line. A line never holds what proves anything: names of details that would are refused.
"""

from __future__ import annotations

import re
from uuid import UUID

import structlog

from backstay.models.access.caller import Caller
from backstay.models.auth.records import AuditEntry, AuditEvent
from backstay.repositories.auth.audit import AuditRepository
from backstay.repositories.database.sessions import Session
from backstay.services.context import Context

_SECRET = re.compile(r"password|token|code|secret|hash|verifier|nonce|cookie")


class Audit:
    """Writes lines."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("backstay.audit")

    async def record(
        self,
        session: Session,
        context: Context,
        event: AuditEvent,
        *,
        user_id: UUID | None = None,
        session_id: UUID | None = None,
        **details: str | int | None,
    ) -> None:
        """Add a line about `user_id`.

        Raises:
            ValueError: a detail is named like something that must not be written down.
        """
        if any(_SECRET.search(name) for name in details):
            raise ValueError(f"an audit line with {sorted(details)}")
        entry = AuditEntry(
            event=event.value,
            actor=actor_of(context.caller),
            user_id=user_id,
            session_id=session_id,
            request_id=context.request_id,
            client_ip=context.client_ip,
            details=details,
        )
        await AuditRepository(session).add(entry)
        self._log.info(
            event.value,
            actor=entry.actor,
            user_id=None if user_id is None else str(user_id),
            session_id=None if session_id is None else str(session_id),
            request_id=context.request_id,
            client_ip=context.client_ip,
            **details,
        )


def actor_of(caller: Caller) -> str:
    """Who acts, in a word: a user's id, or what kind of caller it is."""
    if caller.id is not None:
        return str(caller.id)
    key = caller.claims.get("api_key_id")
    if key is not None:
        return f"key:{key}"
    return "service" if caller.bypasses_rules else "anonymous"
