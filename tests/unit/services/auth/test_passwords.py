"""Password hashes: nothing is cut or folded, an unknown user costs what a known one does, and load is shed."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from pydantic import ValidationError

from backstay.config.passwords import PasswordSettings
from backstay.errors import BackstayError
from backstay.services.auth.passwords import Passwords, Verdict

PASSWORD = "correct horse battery staple"
WRONG = Verdict(ok=False)
RIGHT = Verdict(ok=True)
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    made = Passwords(PasswordSettings())
    yield made
    made.close()


async def test_the_parameters_are_the_stated_ones_and_salts_differ(passwords: Passwords) -> None:
    one, other = await passwords.hash(PASSWORD), await passwords.hash(PASSWORD)
    found = extract_parameters(one)
    assert (found.type, found.version, found.memory_cost, found.time_cost, found.parallelism) == (
        Type.ID, 19, 19456, 2, 1,
    )  # fmt: skip
    assert (found.salt_len, found.hash_len) == (16, 32)
    assert one != other
    assert await passwords.verify(one, PASSWORD) == RIGHT == await passwords.verify(other, PASSWORD)


@pytest.mark.parametrize(
    ("stored", "sent"),
    [
        ("x" * 72 + "a", "x" * 72 + "b"),
        ("x" * 128 + "a", "x" * 128 + "b"),
        ("x" * 255 + "a", "x" * 255 + "b"),
        ("before\x00after", "before\x00other"),
        ("before\x00after", "before"),
        ("Password of mine", "password of mine"),
        ("trailing space ", "trailing space"),
        ("ﬀ is one letter", "ff is one letter"),
        ("½ is no fraction", "1⁄2 is no fraction"),
        ("\u212b", "Å "),
        ("zero\u200bwidth", "zerowidth"),
    ],
)
async def test_passwords_that_differ_anywhere_differ(passwords: Passwords, stored: str, sent: str) -> None:
    hashed = await passwords.hash(stored)
    assert await passwords.verify(hashed, stored) == RIGHT
    assert await passwords.verify(hashed, sent) == WRONG


async def test_a_letter_composed_by_another_keyboard_is_the_same(passwords: Passwords) -> None:
    hashed = await passwords.hash("caf\u00e9 한국어 \U0001f511" + "x" * 10)
    assert await passwords.verify(
        hashed, "cafe\u0301 \u1112\u1161\u11ab\u1100\u116e\u11a8\u110b\u1165 \U0001f511" + "x" * 10
    ) == (RIGHT)


async def test_length_is_counted_in_code_points_after_composing(passwords: Passwords) -> None:
    hashed = await passwords.hash("e\u0301" * 256)
    assert await passwords.verify(hashed, "é" * 256) == RIGHT


@pytest.mark.parametrize("sent", ["x" * 257, "\u0301" * 1024, "x" * 1_000_000, "\ud800" + PASSWORD, "\udfff"])
async def test_what_nobody_can_have_costs_nothing_for_anybody(passwords: Passwords, sent: str) -> None:
    known = CHEAP.hash(PASSWORD)
    assert await passwords.verify(known, sent) == WRONG == await passwords.verify(None, sent)
    with pytest.raises(BackstayError) as caught:
        await passwords.hash(sent)
    assert caught.value.code == "weak_password"
    assert passwords.count == 0


# With a salt that is always the same, so that the tests have the same names in every process.
HASHED = CHEAP.hash(PASSWORD, salt=bytes(16))


@pytest.mark.parametrize(
    "stored",
    [
        None, "", "x", "$", "\x00", "é", HASHED[:-20], HASHED + "x", HASHED + "\x00", HASHED.replace("v=19", "v=99"),
        HASHED.replace("m=64", "m=4294967295"), HASHED.replace("m=64", "m=99999999999999999999"),
        HASHED.replace("m=64", "m=-1"), HASHED.replace("t=1", "t=1000000"), HASHED.replace("p=1", "p=16777215"),
        HASHED.replace("argon2id", "argon2i"), PASSWORD, "$2b$12$" + "a" * 53,
        "$argon2id$v=19$m=64,t=1,p=1$$", "$argon2id$v=19$m=64,t=1,p=1$!!!!$????", "$argon2id$" * 10_000,
    ],
)  # fmt: skip
async def test_no_hash_and_a_damaged_one_cost_one_hash_and_are_wrong(
    passwords: Passwords, stored: str | None
) -> None:
    started = time.perf_counter()
    assert await passwords.verify(stored, PASSWORD) == WRONG
    assert time.perf_counter() - started < 2
    assert passwords.count == 1


@pytest.mark.skipif(os.environ.get("PROFILE") != "nightly", reason="measures, in the nightly profile")
async def test_unknown_and_known_users_take_the_same_time(passwords: Passwords) -> None:
    hashed = await passwords.hash(PASSWORD)
    known: list[float] = []
    unknown: list[float] = []
    for _ in range(9):
        for stored, times in ((hashed, known), (None, unknown)):
            started = time.perf_counter()
            assert not (await passwords.verify(stored, "another password")).ok
            times.append(time.perf_counter() - started)
    # The fastest of each: the machine's other work only ever adds.
    assert 0.6 < min(known) / min(unknown) < 1.7
    assert passwords.count == 19


async def test_only_a_right_password_says_that_the_hash_is_outdated(passwords: Passwords) -> None:
    assert await passwords.verify(HASHED, PASSWORD) == Verdict(ok=True, needs_rehash=True)
    assert await passwords.verify(HASHED, "wrong") == WRONG


async def test_more_than_may_wait_are_turned_away_at_once_and_the_rest_answered() -> None:
    passwords = Passwords(PasswordSettings(concurrent_hashes=1, waiting_hashes=3))
    tasks = [asyncio.create_task(passwords.verify(None, PASSWORD)) for _ in range(20)]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    shed = [outcome for outcome in outcomes if isinstance(outcome, BackstayError)]
    assert outcomes.count(WRONG) == 4 == passwords.count
    assert {error.code for error in shed} == {"overloaded"}
    # Not all at the same time, or the whole crowd is at the door again.
    assert {error.retry_after_seconds for error in shed} <= {1, 2, 3, 4}
    assert await passwords.verify(None, PASSWORD) == WRONG
    passwords.close()


async def test_in_a_crowd_only_those_whose_turn_it_is_do_any_work() -> None:
    passwords = Passwords(PasswordSettings(concurrent_hashes=2, waiting_hashes=50))
    inside, most = 0, 0

    async def sign_in() -> None:
        nonlocal inside, most
        async with passwords.turn() as turn:
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            assert await turn.verify(None, PASSWORD) == WRONG
            inside -= 1

    await asyncio.gather(*[sign_in() for _ in range(10)])
    assert (most, inside) == (2, 0)
    passwords.close()


async def test_who_leaves_gives_the_place_back() -> None:
    passwords = Passwords(PasswordSettings(concurrent_hashes=1, waiting_hashes=3))
    for _ in range(5):
        tasks = [asyncio.create_task(passwords.verify(None, PASSWORD)) for _ in range(4)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(outcome, asyncio.CancelledError | BackstayError) for outcome in outcomes)
    await asyncio.sleep(0.3)
    assert await asyncio.gather(*[passwords.verify(None, PASSWORD) for _ in range(4)]) == [WRONG] * 4
    # Of the four times five that left, those that waited never ran.
    assert passwords.count <= 5 + 4
    passwords.close()


async def test_the_event_loop_runs_on_while_hashes_are_made(passwords: Passwords) -> None:
    storm = asyncio.gather(*[passwords.verify(None, PASSWORD) for _ in range(20)])
    turns = 0
    while not storm.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 20


async def test_after_closing_nothing_is_hashed(passwords: Passwords) -> None:
    passwords.close()
    with pytest.raises(BackstayError) as caught:
        await passwords.verify(None, PASSWORD)
    assert caught.value.code == "draining"


@pytest.mark.parametrize(
    "values",
    [
        {"minimum_length": 7}, {"minimum_length": 65}, {"maximum_length": 63}, {"hash_memory_kib": 7167},
        {"hash_memory_kib": 7168}, {"hash_passes": 1}, {"hash_passes": 0}, {"concurrent_hashes": 0},
        {"waiting_hashes": -1}, {"pepper": "x"},
    ],
)  # fmt: skip
def test_settings_weaker_than_the_published_minimum_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        PasswordSettings.model_validate(values)


@pytest.mark.parametrize(("memory", "passes"), [(47104, 1), (19456, 2), (12288, 3), (9216, 4), (7168, 5)])
def test_every_published_set_of_parameters_may_be_configured(memory: int, passes: int) -> None:
    assert PasswordSettings(hash_memory_kib=memory, hash_passes=passes).hash_lanes == 1
