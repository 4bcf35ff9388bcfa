"""Who may use an endpoint of the platform: one small value for each, which can also be read aloud.

In charge of refusing before anything else happens. What a caller may do with rows is for access rules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backstay.errors import BackstayError
from backstay.models.access.caller import Caller


@dataclass(frozen=True, slots=True)
class Guard:
    """A test of the caller.

    Attributes:
        words: what `backstay routes` says of it.
        refuse: raises unless the caller may pass.
    """

    words: str
    refuse: Callable[[Caller], None]
    is_public: bool = False


def _admit(caller: Caller) -> None:
    return None


def _require_user(caller: Caller) -> None:
    if caller.id is None:
        raise BackstayError("no_authorization", "This endpoint requires a valid Bearer token")


EVERYONE = Guard("everyone", _admit, is_public=True)
USER = Guard("a signed-in user", _require_user)


def permission(name: str) -> Guard:
    """A caller above the rules, or one who was granted the permission, such as `users:read`."""

    def refuse(caller: Caller) -> None:
        if caller.bypasses_rules or caller.can(name):
            return
        if caller.id is None and not caller.roles and not caller.permissions:
            raise BackstayError("no_authorization", "This endpoint requires a valid Bearer token")
        raise BackstayError("not_admin")

    return Guard(f"permission {name}", refuse)
