"""Second factors on both engines: races between processes, time that passes, and what is at rest."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pyotp
import pytest
from pydantic import SecretStr
from sqlalchemy import func, select, text, update

from backstay import Backstay
from backstay.config.auth import AuthSettings
from backstay.config.database import DatabaseSettings
from backstay.config.settings import Settings
from backstay.config.tokens import TokenSettings
from backstay.errors import BackstayError
from backstay.models.access.caller import SERVICE
from backstay.models.auth.factor import Challenge, Factor, RecoveryCode
from backstay.models.auth.records import AuditEntry
from backstay.models.auth.session import AuthSession
from backstay.models.auth.user import User
from backstay.repositories.auth.users import UserRepository
from backstay.services.auth.factor_removal import FactorRemoval
from backstay.services.auth.factors import MAX_CHALLENGES, Enrolled, Factors
from backstay.services.auth.recovery_codes import RecoveryCodes
from backstay.services.auth.sessions import Signed
from backstay.services.context import Context
from backstay.utils.clock import utc_now

SECRET = "factor tests need a secret of 32 bytes or more"
ADMIN = Context(SERVICE)


class Clock:
    """Time that tests move."""

    def __init__(self) -> None:
        self.now = utc_now()

    def __call__(self) -> dt.datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += dt.timedelta(**span)


class Process:
    """One process of the application, with its own services and memory."""

    def __init__(self, app: Backstay, clock: Clock) -> None:
        parts, units, secret = app.identity, app.units, SECRET.encode()
        self.app = app
        self.clock = clock
        self.factors = Factors(
            units, parts.sessions, parts.throttles, parts.audit, parts.post, app.settings.auth, secret, clock
        )
        self.removal = FactorRemoval(units, parts.sessions, parts.authority, parts.audit, parts.post, clock)
        self.codes = RecoveryCodes(
            units, parts.sessions, parts.throttles, parts.audit, parts.post, secret, clock
        )

    async def user(self) -> User:
        async with self.app.units.begin(ADMIN) as session:
            user = User(user_metadata={}, app_metadata={}, is_anonymous=False)
            await UserRepository(session).add(user)
        return user

    async def sign_in(self, user_id: UUID) -> Context:
        async with self.app.units.begin(ADMIN) as session:
            user = await UserRepository(session).by_id(user_id)
            assert user is not None
            signed = await self.app.identity.sessions.begin(session, ADMIN, user, "password")
        return self.context(signed)

    def context(self, signed: Signed) -> Context:
        return Context(self.app.tokens.verify(signed.access_token), client_ip="192.0.2.1")

    def code(self, enrolled: Enrolled, offset: int = 0) -> str:
        return pyotp.TOTP(enrolled.secret).at(self.clock.now, counter_offset=offset)

    async def verify(self, context: Context, enrolled: Enrolled, offset: int = 0) -> Context:
        challenge = await self.factors.challenge(context, enrolled.factor.id)
        code = self.code(enrolled, offset)
        return self.context(await self.factors.verify(context, enrolled.factor.id, challenge.id, code))

    async def count(self, model: Any) -> int:
        async with self.app.units.begin(ADMIN, reading=True) as session:
            return await session.scalar(select(func.count()).select_from(model)) or 0

    async def execute(self, statement: Any) -> None:
        async with self.app.units.begin(ADMIN) as session:
            await session.execute(statement)


@pytest.fixture
async def processes(migrated_url: str, tmp_path: Path) -> AsyncIterator[tuple[Process, Process]]:
    settings = Settings(
        tokens=TokenSettings(secret=SecretStr(SECRET)),
        database=DatabaseSettings(url=migrated_url),
        auth=AuthSettings(throttle_factor=10),
        data_folder=tmp_path,
    )
    apps = [Backstay(settings=settings, models=(), routers=(), project=tmp_path) for _ in range(2)]
    clock = Clock()
    async with apps[0].running(), apps[1].running():
        yield Process(apps[0], clock), Process(apps[1], clock)


@pytest.fixture
def process(processes: tuple[Process, Process]) -> Process:
    return processes[0]


async def code_of(work: Any) -> str:
    """The code of the refusal, or `done`."""
    try:
        await work
    except BackstayError as error:
        return error.code
    return "done"


async def test_one_code_on_two_processes_gets_one_of_twenty_in(processes: tuple[Process, Process]) -> None:
    one, two = processes
    user = await one.user()
    first = await one.sign_in(user.id)
    enrolled = await one.factors.enroll(first, "phone", None)
    await one.verify(first, enrolled)
    contexts = [await one.sign_in(user.id) for _ in range(20)]
    asked = [await one.factors.challenge(context, enrolled.factor.id) for context in contexts]
    code = one.code(enrolled, 1)
    outcomes = await asyncio.gather(
        *(
            code_of(process.factors.verify(context, enrolled.factor.id, challenge.id, code))
            for process, context, challenge in zip([one, two] * 10, contexts, asked, strict=True)
        )
    )
    assert sorted(outcomes) == ["done", *["mfa_verification_failed"] * 19]
    # The challenges of those who lost are used too; nobody's session ended for it.
    assert await one.count(Challenge) == 0
    assert await one.count(AuthSession) == 21


async def test_one_recovery_code_on_two_processes_gets_one_of_twenty_in(
    processes: tuple[Process, Process],
) -> None:
    one, two = processes
    user = await one.user()
    first = await one.sign_in(user.id)
    enrolled = await one.factors.enroll(first, None, None)
    code = (await one.codes.make(await one.verify(first, enrolled)))[3]
    contexts = [await one.sign_in(user.id) for _ in range(20)]
    outcomes = await asyncio.gather(
        *(
            code_of(process.codes.use(context, code))
            for process, context in zip([one, two] * 10, contexts, strict=True)
        )
    )
    assert sorted(outcomes) == ["done", *["mfa_verification_failed"] * 19]
    assert await one.count(RecoveryCode) == 9


async def test_two_first_proofs_at_once_make_one_factor(processes: tuple[Process, Process]) -> None:
    one, two = processes
    user = await one.user()
    thief, owner = await one.sign_in(user.id), await one.sign_in(user.id)
    pairs = [(one, thief), (two, owner)]
    enrolled = [await process.factors.enroll(context, None, None) for process, context in pairs]
    outcomes = await asyncio.gather(
        *(
            code_of(process.verify(context, made))
            for (process, context), made in zip(pairs, enrolled, strict=True)
        )
    )
    assert outcomes.count("done") == 1
    assert set(outcomes) <= {"done", "session_not_found", "insufficient_aal"}
    factors = await one.factors.list_of(ADMIN, user.id)
    assert sorted(factor.status for factor in factors) == ["unverified", "verified"]


async def test_a_removed_factor_is_believed_nowhere_after_a_second(
    processes: tuple[Process, Process],
) -> None:
    one, two = processes
    user = await one.user()
    first = await one.sign_in(user.id)
    enrolled = await one.factors.enroll(first, None, None)
    challenge = await one.factors.challenge(first, enrolled.factor.id)
    signed = await one.factors.verify(first, enrolled.factor.id, challenge.id, one.code(enrolled))
    assert two.context(signed).caller.aal == 2
    await one.removal.remove(one.context(signed), enrolled.factor.id)
    await two.app.identity.authority.catch_up()
    for process in (one, two):
        caller = process.context(signed).caller
        assert (caller.aal, caller.claims["aal"]) == (1, "aal1")


async def test_a_change_of_grants_after_a_removal_does_not_bring_the_level_back(process: Process) -> None:
    user = await process.user()
    first = await process.sign_in(user.id)
    enrolled = await process.factors.enroll(first, None, None)
    challenge = await process.factors.challenge(first, enrolled.factor.id)
    signed = await process.factors.verify(first, enrolled.factor.id, challenge.id, process.code(enrolled))
    await process.removal.remove(process.context(signed), enrolled.factor.id)
    process.app.identity.authority.user_changed(user.id, 7, {"roles": ["editor"], "permissions": []})
    caller = process.context(signed).caller
    assert (caller.aal, caller.roles) == (1, frozenset({"editor"}))


async def test_a_challenge_lives_five_minutes(process: Process) -> None:
    first = await process.sign_in((await process.user()).id)
    enrolled = await process.factors.enroll(first, None, None)
    challenge = await process.factors.challenge(first, enrolled.factor.id)
    process.clock.forward(minutes=5)
    late = process.factors.verify(first, enrolled.factor.id, challenge.id, process.code(enrolled))
    assert await code_of(late) == "mfa_challenge_expired"
    await process.verify(first, enrolled)


async def test_challenges_do_not_pile_up(process: Process) -> None:
    user = await process.user()
    first, second = await process.sign_in(user.id), await process.sign_in(user.id)
    enrolled = await process.factors.enroll(first, None, None)
    kept = await process.factors.challenge(second, enrolled.factor.id)
    asked = [await process.factors.challenge(first, enrolled.factor.id) for _ in range(MAX_CHALLENGES + 5)]
    assert await process.count(Challenge) == MAX_CHALLENGES + 1
    code = process.code(enrolled)
    verify = process.factors.verify
    assert await code_of(verify(first, enrolled.factor.id, asked[0].id, code)) == "mfa_challenge_expired"
    # What one session asks takes nothing from another.
    assert await code_of(verify(second, enrolled.factor.id, kept.id, code)) == "done"


async def test_a_factor_that_is_not_proven_within_the_hour_is_gone(process: Process) -> None:
    first = await process.sign_in((await process.user()).id)
    old = await process.factors.enroll(first, "phone", None)
    process.clock.forward(minutes=61)
    assert await code_of(process.verify(first, old)) == "mfa_factor_not_found"
    await process.factors.enroll(first, "phone", None)
    assert await process.count(Factor) == 1


async def test_a_session_that_proved_nothing_for_a_day_changes_no_factors(process: Process) -> None:
    first = await process.sign_in((await process.user()).id)
    enrolled = await process.factors.enroll(first, None, None)
    second = await process.verify(first, enrolled)
    process.clock.forward(hours=25)
    for work in (
        process.factors.enroll(second, "tablet", None),
        process.removal.remove(second, enrolled.factor.id),
        process.codes.make(second),
    ):
        assert await code_of(work) == "reauthentication_needed"


async def test_a_token_that_outlives_its_session_proves_nothing(process: Process) -> None:
    user = await process.user()
    first = await process.sign_in(user.id)
    enrolled = await process.factors.enroll(first, None, None)
    process.clock.forward(days=31)
    assert await code_of(process.factors.challenge(first, enrolled.factor.id)) == "session_not_found"
    other = await process.sign_in((await process.user()).id)
    assert await code_of(process.factors.challenge(other, enrolled.factor.id)) == "session_not_found"


async def test_who_is_banned_steps_up_no_more(process: Process) -> None:
    user = await process.user()
    first = await process.sign_in(user.id)
    enrolled = await process.factors.enroll(first, None, None)
    banned = update(User).where(User.id == user.id).values(banned_until=utc_now() + dt.timedelta(days=1))
    await process.execute(banned)
    assert await code_of(process.verify(first, enrolled)) == "user_banned"


async def test_the_longest_life_of_a_session_does_not_grow_with_a_step_up(process: Process) -> None:
    first = await process.sign_in((await process.user()).id)
    enrolled = await process.factors.enroll(first, None, None)
    async with process.app.units.begin(ADMIN, reading=True) as session:
        before = await session.scalar(select(AuthSession.expires_at))
    await process.verify(first, enrolled)
    async with process.app.units.begin(ADMIN, reading=True) as session:
        assert await session.scalar(select(AuthSession.expires_at)) == before


async def test_nothing_at_rest_gives_a_secret_or_a_code_away(process: Process) -> None:
    first = await process.sign_in((await process.user()).id)
    enrolled = await process.factors.enroll(first, None, None)
    codes = await process.codes.make(await process.verify(first, enrolled))
    async with process.app.units.begin(ADMIN, reading=True) as session:
        sealed = await session.scalar(select(Factor.sealed_secret))
        hashes = (await session.scalars(select(RecoveryCode.code_hash))).all()
        lines = (await session.scalars(select(AuditEntry))).all()
    assert sealed is not None
    assert enrolled.secret.encode() not in sealed
    assert {len(one) for one in hashes} == {32}
    told = repr([(line.event, line.details) for line in lines])
    assert {line.event for line in lines} >= {"factor_enrolled", "factor_verified", "recovery_codes_made"}
    assert not any(secret in told for secret in (enrolled.secret, process.code(enrolled), *codes))
    assert enrolled.secret not in repr(enrolled)


async def test_a_refusal_leaves_a_line(process: Process) -> None:
    user = await process.user()
    first = await process.sign_in(user.id)
    enrolled = await process.factors.enroll(first, None, None)
    challenge = await process.factors.challenge(first, enrolled.factor.id)
    await code_of(process.factors.verify(first, enrolled.factor.id, challenge.id, "x"))
    await code_of(process.codes.use(first, "x"))
    async with process.app.units.begin(ADMIN, reading=True) as session:
        events = (await session.scalars(select(AuditEntry.event).where(AuditEntry.user_id == user.id))).all()
    assert events.count("factor_refused") == 2


async def test_a_sealed_secret_that_is_copied_to_another_factor_opens_nothing(process: Process) -> None:
    thief = await process.sign_in((await process.user()).id)
    own = await process.factors.enroll(thief, None, None)
    victim = await process.sign_in((await process.user()).id)
    theirs = await process.factors.enroll(victim, None, None)
    copied = text("UPDATE backstay_factors SET sealed_secret = :sealed").bindparams(
        sealed=own.factor.sealed_secret
    )
    await process.execute(copied)
    challenge = await process.factors.challenge(victim, theirs.factor.id)
    work = process.factors.verify(victim, theirs.factor.id, challenge.id, process.code(own))
    assert await code_of(work) == "internal_error"


async def test_an_administrator_removes_a_factor_and_every_session_with_it(process: Process) -> None:
    user = await process.user()
    first = await process.sign_in(user.id)
    enrolled = await process.factors.enroll(first, None, None)
    second = await process.verify(first, enrolled)
    await process.codes.make(second)
    unproven = await process.factors.enroll(second, "tablet", None)
    assert {factor.id for factor in await process.factors.list_of(ADMIN, user.id)} == {
        enrolled.factor.id,
        unproven.factor.id,
    }
    await process.removal.delete_for(ADMIN, user.id, unproven.factor.id)
    assert await process.count(AuthSession) == 1
    await process.removal.delete_for(ADMIN, user.id, enrolled.factor.id)
    assert [await process.count(model) for model in (AuthSession, RecoveryCode, Factor, Challenge)] == [0] * 4
    for work, code in (
        (process.removal.delete_for(ADMIN, user.id, enrolled.factor.id), "mfa_factor_not_found"),
        (process.removal.delete_for(ADMIN, uuid4(), enrolled.factor.id), "user_not_found"),
        (process.factors.list_of(ADMIN, uuid4()), "user_not_found"),
        (process.factors.challenge(second, enrolled.factor.id), "session_not_found"),
    ):
        assert await code_of(work) == code
