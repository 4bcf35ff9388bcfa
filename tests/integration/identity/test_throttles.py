"""Throttles count exactly, for all processes together, and give nothing away: on both engines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from backstay.config.database import DatabaseSettings
from backstay.errors import BackstayError
from backstay.repositories.auth.throttles import SWEPT, Allowance, ThrottleRepository
from backstay.repositories.database import Database, Statement
from backstay.repositories.database.choose import open_database
from backstay.services.auth.throttles import POLICIES, Action, Throttles, client_of
from backstay.services.context import Context

SECRET = b"s" * 32
DAY = 86_400
HERE = Context(client_ip="192.0.2.1")
THERE = Context(client_ip="198.51.100.7")


class Clock:
    """Unix time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.123456

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def databases(migrated_url: str, tmp_path: Path) -> AsyncIterator[tuple[Database, Database]]:
    """Two processes' doors to one database."""
    settings = DatabaseSettings(url=migrated_url, pool_size=5, pool_timeout_seconds=10)
    async with AsyncExitStack() as stack:
        opened = []
        for _ in range(2):
            database = open_database(settings, tmp_path)
            await database.open()
            stack.push_async_callback(database.close)
            opened.append(database)
        yield opened[0], opened[1]


@pytest.fixture
def throttles(databases: tuple[Database, Database], clock: Clock) -> Throttles:
    return Throttles(databases[0], SECRET, clock=clock)


async def refusal(throttles: Throttles, context: Context, action: Action, subject: str | None) -> Any:
    """The error of a refused attempt, or None."""
    try:
        await throttles.spend(context, action, subject)
    except BackstayError as error:
        return error
    return None


async def allowed(throttles: Throttles, context: Context, action: Action, subject: str | None) -> int:
    """How many attempts in a row pass."""
    count = 0
    while await refusal(throttles, context, action, subject) is None:
        count += 1
    return count


async def rows(database: Database) -> list[tuple[str, int]]:
    found = await database.read(Statement("SELECT key, until FROM backstay_throttles ORDER BY key"))
    return [(row[0], row[1]) for row in found]


@pytest.mark.parametrize("factor", [1.0, 3.7])
async def test_parallel_attempts_at_two_processes_pass_exactly_as_often_as_allowed(
    databases: tuple[Database, Database], clock: Clock, factor: float
) -> None:
    both = [Throttles(database, SECRET, factor, clock) for database in databases]
    burst = round(10 * factor)
    attempts = [refusal(both[n % 2], HERE, "password", "ada@example.com") for n in range(burst + 10)]
    outcomes = await asyncio.gather(*attempts)
    assert sum(outcome is None for outcome in outcomes) == burst
    assert {each.code for each in outcomes if each} == {"over_request_rate_limit"}


async def test_parallel_attempts_and_successes_of_many_never_lose_a_race(
    databases: tuple[Database, Database], clock: Clock
) -> None:
    # Each starts with a sweep, and meets the others at the keys of the address and of everybody.
    many = [Throttles(databases[n % 2], SECRET, 1000, clock) for n in range(20)]
    await asyncio.gather(
        *[
            one.spend(HERE, "password", f"{n % 4}@example.com")
            for _ in range(5)
            for n, one in enumerate(many)
        ],
        *[one.forgive(HERE, "password", f"{n % 4}@example.com") for n, one in enumerate(many)],
    )


async def test_time_gives_back_one_attempt_after_the_other(throttles: Throttles, clock: Clock) -> None:
    assert await allowed(throttles, HERE, "mail", "ada@example.com") == 6
    error = await refusal(throttles, HERE, "mail", "ada@example.com")
    assert (error.code, error.retry_after_seconds) == ("over_email_send_rate_limit", 60)
    clock.now += 59
    error = await refusal(throttles, HERE, "mail", "ada@example.com")
    assert error.retry_after_seconds == 1
    clock.now += 1
    assert await allowed(throttles, HERE, "mail", "ada@example.com") == 1
    clock.now += DAY
    assert await allowed(throttles, HERE, "mail", "ada@example.com") == 6


async def test_waiting_as_long_as_told_is_enough(throttles: Throttles, clock: Clock) -> None:
    actions: tuple[Action, ...] = ("password", "sign_up", "anonymous", "mail", "verify", "oauth", "exchange")
    for action in actions:
        await allowed(throttles, HERE, action, "ada@example.com")
        error = await refusal(throttles, HERE, action, "ada@example.com")
        clock.now += error.retry_after_seconds
        assert await refusal(throttles, HERE, action, "ada@example.com") is None, action


async def test_a_refused_attempt_costs_nothing(
    throttles: Throttles, databases: tuple[Database, Database]
) -> None:
    await allowed(throttles, HERE, "password", "ada@example.com")
    before = await rows(databases[0])
    for _ in range(5):
        assert await refusal(throttles, HERE, "password", "ada@example.com") is not None
    assert await rows(databases[0]) == before


async def test_an_attempt_stays_counted_when_what_it_was_for_is_undone(
    throttles: Throttles, databases: tuple[Database, Database]
) -> None:
    await throttles.spend(HERE, "password", "ada@example.com")
    assert len(await rows(databases[1])) == 4


async def test_one_attacker_never_keeps_the_owner_out_elsewhere(throttles: Throttles, clock: Clock) -> None:
    guesses: tuple[Action, ...] = ("password", "verify", "mfa_verify", "reauthenticate")
    for guess in guesses:
        guessed = await allowed(throttles, HERE, guess, "ada@example.com")
        for _ in range(7 * 24):
            clock.now += 3600
            guessed += await allowed(throttles, HERE, guess, "ada@example.com")
        assert guessed <= 7 * 100 + 60
        assert await refusal(throttles, THERE, guess, "ada@example.com") is None, guess


async def test_guesses_at_one_account_from_everywhere_are_at_most_a_hundred_in_a_day(
    throttles: Throttles, clock: Clock
) -> None:
    guessed = 0
    for hour in range(25):
        for host in range(12):
            context = Context(client_ip=f"203.0.113.{host}")
            guessed += await allowed(throttles, context, "password", "ada@example.com")
        clock.now += 3600 if hour < 24 else 0
    assert guessed == 100
    assert await refusal(throttles, HERE, "password", "bob@example.com") is None


async def test_one_client_is_held_whichever_accounts_it_tries(throttles: Throttles) -> None:
    outcomes = [await refusal(throttles, HERE, "password", f"{n}@example.com") for n in range(70)]
    assert outcomes.index(next(filter(None, outcomes))) == 60
    assert await refusal(throttles, THERE, "password", "0@example.com") is None


async def test_a_right_password_forgives_the_account_here_and_not_the_client_nor_other_clients(
    throttles: Throttles,
) -> None:
    assert await allowed(throttles, HERE, "password", "ada@example.com") == 10
    assert await allowed(throttles, THERE, "password", "ada@example.com") == 10
    await throttles.forgive(HERE, "password", "ada@example.com")
    assert await refusal(throttles, THERE, "password", "ada@example.com") is not None
    assert await allowed(throttles, HERE, "password", "ada@example.com") == 10
    # Whoever signs in to an account of their own between guesses is held all the same: 60 from one client.
    for n in range(10):
        await allowed(throttles, HERE, "password", f"{n}@example.com")
        await throttles.forgive(HERE, "password", f"{n}@example.com")
    assert await allowed(throttles, HERE, "password", "own@example.com") == 0


async def test_everybody_together_is_held_too(databases: tuple[Database, Database], clock: Clock) -> None:
    throttles = Throttles(databases[0], SECRET, 0.1, clock)
    passed = [
        await refusal(throttles, Context(client_ip=f"10.0.{n // 2}.1"), "anonymous", None) is None
        for n in range(60)
    ]
    assert sum(passed) == 50


async def test_a_refresh_is_never_held_because_of_others(throttles: Throttles) -> None:
    assert not POLICIES["refresh"].everybody
    assert await allowed(throttles, HERE, "refresh", "session 1") == 60
    assert await refusal(throttles, HERE, "refresh", "session 2") is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("2001:db8::1", "2001:0DB8:0000:0000:1::", True),
        ("fe80::1%eth0", "fe80::2%a%b", True),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "", True),
        ("", "::", False),
        ("testclient", "testclient", True),
    ],
)
def test_a_client_is_an_ipv4_address_or_the_64_of_an_ipv6_address(one: str, other: str, same: bool) -> None:
    assert (client_of(one) == client_of(other)) is same


async def test_addresses_of_one_64_share_what_they_may(throttles: Throttles) -> None:
    await allowed(throttles, Context(client_ip="2001:db8::1"), "password", "ada@example.com")
    neighbour = Context(client_ip="2001:db8::dead:beef")
    assert await refusal(throttles, neighbour, "password", "ada@example.com") is not None
    other = Context(client_ip="2001:db8:0:1::1")
    assert await refusal(throttles, other, "password", "ada@example.com") is None


async def test_keys_are_short_and_name_nobody_whatever_the_subject_holds(
    throttles: Throttles, databases: tuple[Database, Database], clock: Clock
) -> None:
    subject = "ada@example.com\0\ud800" + "x" * 100_000
    await throttles.spend(HERE, "password", subject)
    keys = [key for key, _ in await rows(databases[0])]
    assert len(keys) == 4
    assert all(len(key) == 64 and int(key, 16) for key in keys)
    # Under another secret they are other keys: a dictionary of addresses finds nobody in the table.
    await Throttles(databases[0], b"t" * 32, clock=clock).spend(HERE, "password", subject)
    assert len(await rows(databases[0])) == 8


async def test_words_that_run_into_each_other_are_different_keys(throttles: Throttles) -> None:
    await allowed(throttles, Context(client_ip="a"), "password", "b\0c")
    assert await refusal(throttles, Context(client_ip="a\0b"), "password", "c") is None


async def test_what_no_longer_counts_is_swept_and_nothing_else(
    databases: tuple[Database, Database], clock: Clock
) -> None:
    repository = ThrottleRepository(databases[0])
    now = int(clock.now * 1_000_000)
    old = [Allowance(f"{n:064x}", 1, 1) for n in range(SWEPT + 100)]
    assert await repository.take(old, now - 10) is None
    throttles = Throttles(databases[0], SECRET, clock=clock)
    await throttles.spend(HERE, "password", "ada@example.com")
    assert len(await rows(databases[0])) == 100 + 4
    for _ in range(100):
        await throttles.spend(Context(client_ip="192.0.2.2"), "exchange", None)
    left = await rows(databases[0])
    assert len(left) == 4 + 2
    assert all(until > now for _, until in left)


async def test_a_flood_of_new_accounts_and_clients_leaves_a_table_that_stays_small(
    databases: tuple[Database, Database], clock: Clock
) -> None:
    throttles = Throttles(databases[0], SECRET, clock=clock)
    for n in range(300):
        await throttles.spend(Context(client_ip=f"10.{n}.0.1"), "anonymous", None)
        clock.now += 61
    assert len(await rows(databases[0])) <= 64 + 3


async def test_an_attempt_fails_when_the_database_cannot_count_it(database_url: str, tmp_path: Path) -> None:
    database = open_database(DatabaseSettings(url=database_url), tmp_path)
    await database.open()
    try:
        with pytest.raises(BackstayError):
            await Throttles(database, SECRET).spend(HERE, "password", "ada@example.com")
    finally:
        await database.close()


async def test_a_refusal_is_logged_without_the_subject(throttles: Throttles) -> None:
    await allowed(throttles, HERE, "mail", "ada@example.com")
    with capture_logs() as lines:
        await refusal(throttles, HERE, "mail", "ada@example.com")
    (line,) = lines
    assert (line["event"], line["action"], line["limit"]) == ("throttled", "mail", "account")
    assert "ada" not in str(line)


def test_every_policy_has_a_rate_for_a_client_and_guesses_have_one_for_the_account() -> None:
    for action, policy in POLICIES.items():
        assert policy.client, action
        for account, pair in zip(policy.account, policy.pair, strict=False):
            # Less than the account has, and regained no faster: see the comment above the table.
            assert pair.burst < account.burst, action
            assert pair.seconds >= account.seconds, action
