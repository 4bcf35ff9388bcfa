"""The caller: a frozen value that says who is asking, built once by whoever proved it.

`ANONYMOUS` is a caller like any other and passes no test but those that every caller passes. There is no `None`
caller, and nothing here means "the system".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, eq=False)
class Caller:
    """Who is asking.

    Attributes:
        id: the user's id; None for a caller that is no user (anonymous, or an API key).
        role: the wire role: `anon`, `authenticated` or `service_role`.
        roles: names granted to the caller, such as `editor`.
        permissions: `subject:verb` strings; `subject:*` covers every verb of the subject.
        claims: the verified claims of the token, apart from what the user can write.
        unverified_metadata: `user_metadata`, which its user can write: no rule should trust it.
        aal: authenticator assurance level, 1 or 2.
    """

    id: UUID | None = None
    role: str = "anon"
    roles: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    claims: Mapping[str, Any] = field(default_factory=dict)
    unverified_metadata: Mapping[str, Any] = field(default_factory=dict)
    aal: int = 1

    @property
    def is_authenticated(self) -> bool:
        """True for a signed-in user."""
        return self.id is not None

    @property
    def bypasses_rules(self) -> bool:
        """True for a secret API key, which stands above the rules."""
        return self.role == "service_role"

    def has_role(self, name: str) -> bool:
        """True when the role was granted to this caller."""
        return name in self.roles

    def can(self, permission: str) -> bool:
        """True when the permission, or its subject's wildcard, was granted."""
        subject, _, _ = permission.partition(":")
        return permission in self.permissions or f"{subject}:*" in self.permissions


ANONYMOUS = Caller()
SERVICE = Caller(role="service_role")
