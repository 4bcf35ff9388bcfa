"""What this process knows to be true no longer, though tokens that have not expired still say it.

In charge of one answer about a proven token: refuse it, read it with other grants, or leave it as it is. Where the
knowledge comes from is in `authority.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any
from uuid import UUID

from backstay.errors import BackstayError
from backstay.models.access.caller import Caller

Grants = Mapping[str, Any]


@dataclass(slots=True)
class _Changed:
    """A user: tokens made under less than `ended_below` are dead, under less than `changed_below` have `grants`, and
    under less than `lowered_below` are of level 1."""

    known_at: float
    ended_below: int = 0
    changed_below: int = 0
    lowered_below: int = 0
    grants: Grants | None = None


class Revoked:
    """Belongs to one event loop.

    Attributes:
        trusted_until: Unix time in seconds at which this knowledge is too old to go by; never, unless somebody
            keeps it up to date.
    """

    def __init__(self) -> None:
        self.trusted_until = math.inf
        self._sessions: dict[str, float] = {}
        self._users: dict[UUID, _Changed] = {}

    def session_ended(self, session_id: UUID, now: float) -> None:
        """Tokens of the session are dead."""
        self._sessions[str(session_id)] = now

    def user_changed(self, user_id: UUID, authority: int, grants: Grants | None, now: float) -> None:
        """Tokens of the user made under a smaller number are dead, or have these grants.

        Args:
            grants: `{"roles": [], "permissions": []}`, and `"aal": 1` when a second factor was removed.
        """
        changed = self._users.setdefault(user_id, _Changed(now))
        changed.known_at = now
        if grants is None:
            changed.ended_below = max(changed.ended_below, authority)
            return
        if grants.get("aal") == 1:
            changed.lowered_below = max(changed.lowered_below, authority)
        if authority > changed.changed_below:
            changed.changed_below, changed.grants = authority, grants

    def forget(self, before: float) -> None:
        """Forget what no living token can be meant by."""
        self._sessions = {key: at for key, at in self._sessions.items() if at >= before}
        self._users = {key: changed for key, changed in self._users.items() if changed.known_at >= before}

    def applied(self, caller: Caller) -> Caller:
        """The caller of a proven token, as they are by now.

        Raises:
            BackstayError: `session_not_found` when the session has ended, `PGRST303` when the token is dead.
        """
        if caller.id is None:
            return caller
        if caller.claims.get("session_id") in self._sessions:
            raise BackstayError("session_not_found")
        changed = self._users.get(caller.id)
        if changed is None:
            return caller
        made_under = caller.claims.get("authority", 0)
        if not isinstance(made_under, int) or made_under < changed.ended_below:
            raise BackstayError("PGRST303", "JWT revoked")
        if made_under < changed.changed_below and changed.grants is not None:
            caller = replace(
                caller,
                roles=frozenset(changed.grants.get("roles", ())),
                permissions=frozenset(changed.grants.get("permissions", ())),
            )
        if made_under < changed.lowered_below and caller.aal > 1:
            return replace(caller, aal=1, claims=MappingProxyType({**caller.claims, "aal": "aal1"}))
        return caller
