"""An account: a user with everything that proves one."""

from __future__ import annotations

from dataclasses import dataclass

from backstay.models.auth.factor import VERIFIED, Factor
from backstay.models.auth.identity import Identity
from backstay.models.auth.user import User


@dataclass(frozen=True, slots=True)
class Account:
    """A user as they see themselves."""

    user: User
    identities: tuple[Identity, ...]
    factors: tuple[Factor, ...]

    @property
    def has_second_factor(self) -> bool:
        """True when a factor was proven once, so that sign-in asks for it."""
        return any(factor.status == VERIFIED for factor in self.factors)
