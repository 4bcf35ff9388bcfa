"""Second factors: enrolled, challenged and proven by their owner.

In charge of what a code from an authenticator app is worth: once, for one challenge, a session at level 2 in place of
the caller's own. How a factor goes is in `factor_removal.py`, codes for the day an app is lost in `recovery_codes.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from backstay.config.auth import AuthSettings
from backstay.errors import BackstayError
from backstay.models.auth.factor import VERIFIED, Challenge, Factor
from backstay.models.auth.records import AuditEvent
from backstay.repositories.auth.factors import (
    ChallengeRepository,
    FactorRepository,
)
from backstay.repositories.auth.users import UserRepository
from backstay.repositories.database.sessions import Session
from backstay.services.auth.assurance import (
    TOTP_METHOD,
    UNVERIFIED_LIFE,
    Assured,
    assured,
)
from backstay.services.auth.audit import Audit
from backstay.services.auth.client import NOBODYS, Client
from backstay.services.auth.notices import notify
from backstay.services.auth.sealing import Sealing
from backstay.services.auth.sessions import AuthSessions, Signed
from backstay.services.auth.throttles import Action, Throttles
from backstay.services.auth.totp import app_uri, new_secret, qr_svg, step_of
from backstay.services.context import Context
from backstay.services.mail.post import Post
from backstay.services.unit_of_work import UnitOfWork
from backstay.utils.clock import utc_now

TOTP = "totp"
MAX_FACTORS = 10
MAX_NAME_LENGTH = 100
# The QR code holds 2,953 bytes, and the issuer stands in it twice, percent-encoded.
MAX_ISSUER_LENGTH = 60
CHALLENGE_LIFE = dt.timedelta(minutes=5)
# Of one factor and session: pages that draw themselves twice ask twice.
MAX_CHALLENGES = 10
THROTTLE: Action = "mfa_verify"

_PURPOSE = b"backstay second factors, sealed, version 1"


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A factor that has yet to be proven, and what an authenticator app has to be told; it is told once.

    Attributes:
        secret: in base32.
        uri: `otpauth:`.
        qr_code: the same as an SVG element.
    """

    factor: Factor
    secret: str = field(repr=False)
    uri: str = field(repr=False)
    qr_code: str = field(repr=False)


class Factors:
    """Verbs.

    Args:
        secret: the server's, which seals those of the apps.
    """

    def __init__(
        self,
        units: UnitOfWork,
        sessions: AuthSessions,
        throttles: Throttles,
        audit: Audit,
        post: Post,
        settings: AuthSettings,
        secret: bytes,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._units = units
        self._sessions = sessions
        self._throttles = throttles
        self._audit = audit
        self._post = post
        self._settings = settings
        self._sealing = Sealing(secret, _PURPOSE)
        self._clock = clock

    async def enroll(self, context: Context, name: str | None, issuer: str | None) -> Enrolled:
        """Begin a factor, which counts once it is verified, within the hour.

        Args:
            name: for its owner to tell factors apart.
            issuer: what the app shows; the application's name unless given.

        Raises:
            BackstayError: `insufficient_aal`, `reauthentication_needed`, `mfa_factor_name_conflict`,
                `too_many_enrolled_mfa_factors`, `validation_failed`.
        """
        name = _checked("friendly_name", name, MAX_NAME_LENGTH)
        issuer = _checked("issuer", issuer, MAX_ISSUER_LENGTH) or self._settings.app_name
        now = self._clock()
        async with self._units.begin(context) as session:
            own = await assured(session, context, self._sessions, now)
            if own.has_second_factor:
                own.require_second_factor("AAL2 required to enroll a new factor")
            own.require_recent()
            if name is not None and any(factor.friendly_name == name for factor in own.factors):
                raise BackstayError("mfa_factor_name_conflict")
            if len(own.factors) >= MAX_FACTORS:
                raise BackstayError("too_many_enrolled_mfa_factors")
            factors, factor_id, secret = FactorRepository(session), uuid4(), new_secret()
            await factors.drop_stale(own.user.id, now - UNVERIFIED_LIFE)
            factor = Factor(
                id=factor_id,
                user_id=own.user.id,
                kind=TOTP,
                friendly_name=name,
                sealed_secret=self._sealing.seal(secret.encode("ascii"), _owner(own.user.id, factor_id)),
                created_at=now,
                updated_at=now,
            )
            await factors.add(factor)
            await self._record(session, context, AuditEvent.FACTOR_ENROLLED, own, factor)
        uri = app_uri(secret, issuer, own.user.email or str(own.user.id))
        return Enrolled(factor, secret, uri, qr_svg(uri))

    async def challenge(self, context: Context, factor_id: UUID) -> Challenge:
        """A question for the factor, which this session may answer within five minutes.

        Raises:
            BackstayError: `mfa_factor_not_found`.
        """
        now = self._clock()
        async with self._units.begin(context) as session:
            own = await assured(session, context, self._sessions, now)
            challenge = Challenge(
                factor_id=own.factor(factor_id).id,
                session_id=own.row.id,
                created_at=now,
                expires_at=now + CHALLENGE_LIFE,
            )
            await ChallengeRepository(session).add(challenge, now, MAX_CHALLENGES)
        return challenge

    async def verify(
        self,
        context: Context,
        factor_id: UUID,
        challenge_id: UUID | None,
        code: str,
        client: Client = NOBODYS,
    ) -> Signed:
        """A session at level 2 in place of the caller's, for the app's code of now.

        The first code proves the factor itself; the user's other sessions end with it.

        Args:
            challenge_id: None for what is no id.

        Raises:
            BackstayError: `mfa_factor_not_found`, `mfa_challenge_expired`, `mfa_verification_failed`,
                `insufficient_aal` for a new factor beside a proven one, `over_request_rate_limit`.
        """
        subject = str(context.caller.id)
        await self._throttles.spend(context, THROTTLE, subject)
        now = self._clock()
        async with self._units.begin(context) as session:
            own = await assured(session, context, self._sessions, now)
            factor = own.factor(factor_id)
            is_new = factor.status != VERIFIED
            if is_new and own.has_second_factor:
                own.require_second_factor("AAL2 required to verify a new factor")
            accepted = await self._accept(session, own, factor, challenge_id, code)
            event = AuditEvent.FACTOR_VERIFIED if accepted else AuditEvent.FACTOR_REFUSED
            await self._record(session, context, event, own, factor)
            if accepted:
                signed = await self._sessions.raise_level(session, context, own.user, own.row, TOTP_METHOD)
                ended = [own.row.id]
                if is_new:
                    others = await self._sessions.end_all(
                        session, context, own.user.id, but=signed.session_id
                    )
                    ended.extend(others)
        if not accepted:
            raise BackstayError("mfa_verification_failed")
        self._sessions.forget(ended)
        await self._throttles.forgive(context, THROTTLE, subject)
        if is_new:
            notify(self._post, own.user, client)
        return signed

    async def _accept(
        self, session: Session, own: Assured, factor: Factor, challenge_id: UUID | None, code: str
    ) -> bool:
        """Use challenge and code; a wrong code leaves the challenge open for another try."""
        challenges = ChallengeRepository(session)
        asked = (factor.id, own.row.id, own.now)
        if challenge_id is None or not await challenges.is_open(challenge_id, *asked):
            raise BackstayError("mfa_challenge_expired")
        step = step_of(self._secret_of(factor), code, own.now)
        return (
            step is not None
            and await challenges.use(challenge_id, *asked)
            and await FactorRepository(session).take_step(factor.id, step)
        )

    def _secret_of(self, factor: Factor) -> str:
        try:
            return self._sealing.open(factor.sealed_secret, _owner(factor.user_id, factor.id)).decode("ascii")
        except ValueError as error:
            raise BackstayError("internal_error") from error

    async def list_of(self, context: Context, user_id: UUID) -> Sequence[Factor]:
        """A user's factors, for administrators.

        Raises:
            BackstayError: `user_not_found`.
        """
        async with self._units.begin(context, reading=True) as session:
            if await UserRepository(session).by_id(user_id) is None:
                raise BackstayError("user_not_found")
            return await FactorRepository(session).of_user(user_id)

    async def _record(
        self, session: Session, context: Context, event: AuditEvent, own: Assured, factor: Factor
    ) -> None:
        self._audit.record(
            session, context, event, user_id=own.user.id, session_id=own.row.id, factor=str(factor.id)
        )


def _owner(user_id: UUID, factor_id: UUID) -> bytes:
    return user_id.bytes + factor_id.bytes


def _checked(name: str, text: str | None, longest: int) -> str | None:
    """A name without white space around it; None for an empty one.

    Raises:
        BackstayError: `validation_failed`.
    """
    text = (text or "").strip()
    if len(text) > longest or not text.isprintable():
        raise BackstayError("validation_failed", f"{name}: must be at most {longest} visible characters")
    return text or None
