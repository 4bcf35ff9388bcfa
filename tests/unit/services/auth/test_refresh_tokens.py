"""Refresh tokens: one spelling, proven per session and server; and what presenting a spent one means."""

from __future__ import annotations

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from math import inf, nan
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.errors import BackstayError, ConfigurationError, Kind
from backstay.services.auth.refresh_tokens import (
    MAX_COUNTER,
    Judgement,
    RefreshToken,
    RefreshTokens,
    judge,
    new_session_key,
)

TOKENS = RefreshTokens(b"s" * 32)
KEY = b"k" * 32
SESSION = UUID("0198c0de-0000-7000-8000-000000000001")
OTHER = UUID("0198c0de-0000-7000-8000-000000000002")
TOKEN = TOKENS.mint(SESSION, 7, KEY)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def is_good(text: str, tokens: RefreshTokens = TOKENS, key: bytes = KEY) -> bool:
    try:
        token = tokens.read(text)
    except BackstayError as error:
        if error.code != "refresh_token_not_found":
            raise
        return False
    return tokens.verify(token, key)


def with_checksum(body: bytes) -> str:
    return urlsafe_b64encode(body + zlib.crc32(body).to_bytes(4, "big")).decode()


@given(st.uuids(), st.integers(0, MAX_COUNTER), st.binary(min_size=32, max_size=32))
def test_a_token_says_what_it_was_made_of_and_is_proven(session: UUID, counter: int, key: bytes) -> None:
    text = TOKENS.mint(session, counter, key)
    token = TOKENS.read(text)
    assert (token.session_id, token.counter, len(token.mac)) == (session, counter, 16)
    assert TOKENS.verify(token, key)
    assert text == TOKENS.mint(session, counter, key)
    assert len(text) == 60
    assert set(text) <= set(ALPHABET)


def test_every_other_character_at_every_place_is_refused() -> None:
    for place in range(len(TOKEN)):
        for character in ALPHABET + "+/=. \n\x00é":
            if character != TOKEN[place]:
                assert not is_good(TOKEN[:place] + character + TOKEN[place + 1 :])


def test_a_forger_who_knows_the_checksum_still_lacks_the_proof() -> None:
    body = urlsafe_b64decode(TOKEN)[:-4]
    for bit in range(len(body) * 8):
        forged = (int.from_bytes(body, "big") ^ (1 << bit)).to_bytes(len(body), "big")
        assert not is_good(with_checksum(forged))


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "x", "null", TOKEN[:-1], TOKEN + "=", TOKEN + "A", TOKEN + "\n", " " + TOKEN, TOKEN[:-1] + "=", TOKEN[:-4] + "====",
        TOKEN.lower(), TOKEN[::-1], "A" * 60, "=" * 60, "-" * 60, "é" * 60, "\ud800" * 60, "\x00" * 60, TOKEN * 10_000,
        "٠" * 60, TOKEN[:30] + "\u200b" + TOKEN[31:],
        with_checksum(b"\x00" + urlsafe_b64decode(TOKEN)[1:-4]), with_checksum(b"\x02" + urlsafe_b64decode(TOKEN)[1:-4]),
        with_checksum(b"\x01" + b"\xff" * 40), with_checksum(b"\x01" + b"\x00" * 40),
    ],
)  # fmt: skip
def test_what_is_no_token_of_ours_is_refused(text: str) -> None:
    assert not is_good(text)


@given(st.text(max_size=70) | st.text(ALPHABET + "+/=", min_size=60, max_size=60))
def test_any_text_is_refused_without_another_error(text: str) -> None:
    assert not is_good(text)


def test_a_malformed_token_is_told_as_one_that_is_not_there() -> None:
    with pytest.raises(BackstayError) as caught:
        TOKENS.read(TOKEN[:-1])
    assert caught.value.kind is Kind.INVALID
    assert caught.value.message == "Invalid Refresh Token: Refresh Token Not Found"
    assert caught.value.__cause__ is None


def test_a_token_is_good_for_its_session_its_key_and_its_server_alone() -> None:
    assert is_good(TOKEN)
    assert not is_good(TOKEN, key=new_session_key())
    assert not is_good(TOKEN, RefreshTokens(b"t" * 32))
    token = TOKENS.read(TOKEN)
    assert not TOKENS.verify(RefreshToken(OTHER, token.counter, token.mac), KEY)
    assert not TOKENS.verify(RefreshToken(SESSION, token.counter + 1, token.mac), KEY)
    assert not TOKENS.verify(RefreshToken(SESSION, token.counter, token.mac[:-1]), KEY)
    assert not TOKENS.verify(RefreshToken(SESSION, token.counter, b""), KEY)


def test_the_proof_is_not_in_what_gets_printed() -> None:
    token = TOKENS.read(TOKEN)
    assert "mac" not in repr(token)
    assert repr(token.mac) not in repr(token)


def test_keys_are_random_and_whole() -> None:
    assert len({new_session_key() for _ in range(100)}) == 100
    for key in (b"", b"k" * 31, b"k" * 33):
        with pytest.raises(ValueError, match="32 bytes"):
            TOKENS.mint(SESSION, 0, key)
    for counter in (-1, MAX_COUNTER + 1):
        with pytest.raises(ValueError, match="out of range"):
            TOKENS.mint(SESSION, counter, KEY)
    with pytest.raises(ConfigurationError):
        RefreshTokens(b"s" * 31)


@pytest.mark.parametrize(
    ("presented", "active", "ago", "expected"),
    [
        (0, 0, 0, "rotate"),
        (5, 5, 0, "rotate"),
        (5, 5, 10**6, "rotate"),
        (5, 5, -1, "rotate"),
        (4, 5, 0, "repeat"),
        (4, 5, 10**6, "repeat"),
        (0, 1, 10**6, "repeat"),
        (3, 5, 0, "repeat"),
        (2, 5, 9.99, "repeat"),
        (1, 5, 9.99, "reused"),
        (3, 5, 10, "reused"),
        (3, 5, 10.01, "reused"),
        (0, 5, 10**6, "reused"),
        (3, 5, -0.01, "reused"),
        (3, 5, nan, "reused"),
        (3, 5, inf, "reused"),
        (6, 5, 0, "reused"),
        (6, 5, 10**6, "reused"),
        (MAX_COUNTER, 0, 0, "reused"),
    ],
)
def test_a_spent_token_is_answered_again_or_ends_the_session(
    presented: int, active: int, ago: float, expected: Judgement
) -> None:
    assert judge(presented, active, ago) == expected


def test_without_tolerance_only_the_lost_answer_is_repeated() -> None:
    assert judge(4, 5, 0, tolerance=0) == "repeat"
    assert judge(3, 5, 0, tolerance=0) == "reused"
