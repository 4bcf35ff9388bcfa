"""`/factors`: second factors and recovery codes."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from backstay.controllers.auth.carry import Carry
from backstay.controllers.auth.requests import client_of, path_id
from backstay.controllers.endpoints import Ask, Body, Reply
from backstay.errors import BackstayError
from backstay.services.auth.factor_removal import FactorRemoval
from backstay.services.auth.factors import TOTP, Factors
from backstay.services.auth.recovery_codes import RecoveryCodes

_FACTOR = "factor_id"
_MISSING = "mfa_factor_not_found"
Code = Annotated[str, Field(max_length=100)]


class EnrollBody(Body):
    """`POST /factors`."""

    factor_type: Annotated[str, Field(max_length=100)]
    friendly_name: Annotated[str, Field(max_length=1000)] | None = None
    issuer: Annotated[str, Field(max_length=1000)] | None = None


class FactorVerifyBody(Body):
    """`POST /factors/{factor_id}/verify`."""

    challenge_id: Annotated[str, Field(max_length=100)]
    code: Code


class RecoveryCodeBody(Body):
    """`POST /factors/recovery-codes/verify`."""

    code: Code


class FactorEndpoints:
    """Handlers."""

    def __init__(
        self, factors: Factors, removal: FactorRemoval, recovery_codes: RecoveryCodes, carry: Carry
    ) -> None:
        self._factors = factors
        self._removal = removal
        self._recovery_codes = recovery_codes
        self._carry = carry

    async def enroll(self, ask: Ask[EnrollBody]) -> Reply:
        """A factor to be verified, and its secret."""
        body = ask.body
        if body.factor_type != TOTP:
            raise BackstayError("validation_failed", "factor_type: must be totp")
        made = await self._factors.enroll(ask.context, body.friendly_name, body.issuer)
        return Reply(
            {
                "id": str(made.factor.id),
                "type": made.factor.kind,
                "friendly_name": made.factor.friendly_name or "",
                "totp": {"qr_code": made.qr_code, "secret": made.secret, "uri": made.uri},
            }
        )

    async def challenge(self, ask: Ask[Any]) -> Reply:
        """A challenge."""
        made = await self._factors.challenge(ask.context, path_id(ask, _FACTOR, _MISSING))
        return Reply({"id": str(made.id), "type": TOTP, "expires_at": int(made.expires_at.timestamp())})

    async def verify(self, ask: Ask[FactorVerifyBody]) -> Reply:
        """A session at aal2."""
        factor_id = path_id(ask, _FACTOR, _MISSING)
        signed = await self._factors.verify(
            ask.context, factor_id, _id(ask.body.challenge_id), ask.body.code.strip(), client_of(ask)
        )
        return await self._carry.again(ask, signed)

    async def remove(self, ask: Ask[Any]) -> Reply:
        """The id of a factor that is there no more."""
        factor_id = path_id(ask, _FACTOR, _MISSING)
        await self._removal.remove(ask.context, factor_id, client_of(ask))
        return Reply({"id": str(factor_id)})

    async def make_recovery_codes(self, ask: Ask[Any]) -> Reply:
        """New recovery codes, shown this once."""
        return Reply({"codes": list(await self._recovery_codes.make(ask.context, client_of(ask)))})

    async def use_recovery_code(self, ask: Ask[RecoveryCodeBody]) -> Reply:
        """A session at aal2."""
        signed = await self._recovery_codes.use(ask.context, ask.body.code, client_of(ask))
        return await self._carry.again(ask, signed)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
