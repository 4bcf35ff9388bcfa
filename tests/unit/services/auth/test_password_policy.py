"""The policy of passwords: length, what is guessed first, and the user's own words, but no rule of composition."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.config.passwords import PasswordSettings
from backstay.errors import BackstayError, FieldProblem, Kind
from backstay.models.auth.addresses import read_address
from backstay.services.auth.password_policy import PasswordPolicy, shipped_blocklist

BLOCKLIST = shipped_blocklist()
POLICY = PasswordPolicy(PasswordSettings(), BLOCKLIST, ["Trip Atlas"])
SHORT = PasswordPolicy(PasswordSettings(minimum_length=8), BLOCKLIST, ["Trip Atlas"])
ALICE = read_address("Alice.Smith+news@Example-Corp.co.uk")


def codes(password: str, policy: PasswordPolicy = POLICY) -> list[str]:
    try:
        policy.check(password, address=ALICE)
    except BackstayError as error:
        details = error.details
    else:
        return []
    assert details is not None
    return [detail.code for detail in details if isinstance(detail, FieldProblem)]


def test_the_list_has_thousands_of_whole_passwords() -> None:
    assert len(BLOCKLIST) > 10_000
    assert all(len(word) >= 8 and word == word.casefold() and word.isascii() for word in BLOCKLIST)
    assert {"password", "12345678", "qwertyuiop", "iloveyou", "trustno1", "football"} <= BLOCKLIST


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple", "lowercaseletter", "thisismysentence", "           x   y   ", "пароль из слов мой",
        "今日はとても良い天気ですね。散歩", "🔑🌳🚲🥁🧭🪁🎈🎷🪐🍄🦊🐙🌋🧵🪴", "x" * 64, "a" * 255 + "b", "é" * 256, "e\u0301" * 256,
        "before\x00and after it", "918273645546372819", "my password is my own", "alice went to the market",
        "atlas of forgotten places", "UPPERCASE WORDS", "zqkvpwmxjrhtbnd", "passwordless login",
    ],
)  # fmt: skip
def test_long_passwords_of_any_characters_are_accepted(password: str) -> None:
    assert codes(password) == []


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("", ["length"]),
        ("x9#kTq-vw2Lm!z", ["length"]),
        ("é" * 14, ["length", "common"]),
        ("e\u0301r\u0301t\u0301z\u0301uiopl", ["length"]),
        ("x" * 257, ["length"]),
        ("x" * 10_000_000, ["length"]),
        ("\ud800" + "correct horse battery", ["characters"]),
        ("password", ["length", "common"]),
    ],
)
def test_length_is_counted_in_composed_code_points(password: str, expected: list[str]) -> None:
    started = time.perf_counter()
    assert codes(password) == expected
    assert time.perf_counter() - started < 0.1


@pytest.mark.parametrize(
    "password",
    [
        "123456789012345", "098765432109876", "1234567890987654321", "qwertyuiopasdfgh", "abcdefghijklmnop", "aaaaaaaaaaaaaaa",
        "passwordpassword", "PasswordPassword", "password password", "Password12345678!", "!!!football2024!!", "dragondragondragon",
        "1qaz2wsx3edc4rfv", "1q2w3e4r5t6y7u8i", "111111111111111", "abcabcabcabcabca", "iloveyou1234567", "passwordpasswor",
        "manchesterunited", "               ", "azertyuiopqsdfg", "mnbvcxzlkjhgfdsa",
    ],
)  # fmt: skip
def test_what_is_guessed_first_is_refused_at_any_length(password: str) -> None:
    assert codes(password) == ["common"]


def test_the_list_is_of_use_where_a_second_factor_allows_short_passwords() -> None:
    assert all("common" in codes(word, SHORT) for word in BLOCKLIST)
    assert codes("Trustno1", SHORT) == ["common"]
    assert codes("kx4mzqwv", SHORT) == []
    assert all(
        "common" in codes(word + "!" * (15 - len(word)))
        for word in sorted(BLOCKLIST)[::7]
        if word.isalnum() and len(word) < 15
    )


@pytest.mark.parametrize(
    "password",
    [
        "alice.smith+news@example-corp.co.uk", "Alice.Smith+news", "alicesmithnews2024", "AliceAliceAlice", "smith1234567890",
        "2024-example-corp", "example-corp.co.uk", "TripAtlas123456", "tripatlas-tripatlas", "Trip Atlas 2024!", "atlas atlas atlas",
        "alice.example-corp!", "ALICE   SMITH   1990",
    ],
)  # fmt: skip
def test_the_users_address_and_the_applications_name_are_no_password(password: str) -> None:
    assert "context" in codes(password)


def test_without_an_address_only_the_applications_words_count() -> None:
    POLICY.check("alicesmithnews2024")
    with pytest.raises(BackstayError):
        POLICY.check("tripatlas-tripatlas")


def test_short_and_numeric_local_parts_do_not_refuse_everything() -> None:
    for local in ("1", "a", "42", "1990", "ab"):
        POLICY.check("918273645519902819", address=read_address(f"{local}@example.com"))
        POLICY.check("a banana and a cab at ab", address=read_address(f"{local}@example.com"))


def test_an_international_domain_is_known_in_both_spellings() -> None:
    address = read_address("x@bücherwürmer.example")
    for password in ("Bücherwürmer2024", address.domain + "2024"):
        with pytest.raises(BackstayError):
            POLICY.check(password, address=address)


def test_the_error_says_why_and_not_what() -> None:
    with pytest.raises(BackstayError) as caught:
        POLICY.check("alice1990", address=ALICE)
    assert (caught.value.code, caught.value.kind) == ("weak_password", Kind.UNPROCESSABLE)
    assert "at least 15 characters" in caught.value.message
    assert "alice" not in str(caught.value)


@given(st.text(max_size=60))
def test_every_text_is_accepted_or_refused_with_a_reason(password: str) -> None:
    assert set(codes(password)) <= {"length", "characters", "common", "context"}


@given(st.text("abcdefghijklmnopqrstuvwxyz ", min_size=33, max_size=256))
def test_past_the_longest_pattern_nothing_but_context_is_asked(password: str) -> None:
    assert set(codes(password)) <= {"context"}
