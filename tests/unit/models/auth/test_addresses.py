"""E-mail addresses: what is taken, and which two of them are one mailbox."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backstay.errors import BackstayError, Kind
from backstay.models.auth.addresses import Address, read_address
from backstay.repositories.mail import Mail

LONG_DOMAIN = ".".join(["d" * 61] * 3)


def key(text: str) -> str:
    return read_address(text).key


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("alice@example.com", "alice@example.com"),
        (" \tAlice@Example.COM\r\n", "alice@example.com"),
        ("alice+News@example.com", "alice+news@example.com"),
        ("a.l.i.c.e@example.com", "a.l.i.c.e@example.com"),
        ("!#$%&'*+-/=^?_`{|}~@example.com", "!#$%&'*+-/=^?_`{|}~@example.com"),
        ("a@b.c.d.example", "a@b.c.d.example"),
        ("alice@bücher.example", "alice@xn--bcher-kva.example"),
        ("alice@BÜCHER.example", "alice@xn--bcher-kva.example"),
        ("alice@bu\u0308cher.example", "alice@xn--bcher-kva.example"),
        ("alice@XN--BCHER-KVA.example", "alice@xn--bcher-kva.example"),
        ("alice@straße.example", "alice@xn--strae-oqa.example"),
        ("用户@例子.公司", "用户@xn--fsqu00a.xn--55qx5d"),
        ("JOSÉ@example.com", "josé@example.com"),
        ("JOSE\u0301@example.com", "josé@example.com"),
        ("ΟΔΟΣ@example.com", "οδοσ@example.com"),
        ("οδος@example.com", "οδοσ@example.com"),
    ],
)
def test_equal_mailboxes_have_equal_keys(typed: str, expected: str) -> None:
    address = read_address(typed)
    assert address.key == expected
    assert address.typed == typed.strip()
    assert f"{address.local_part}@{address.domain}" == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mıke@example.com", "mike@example.com"),
        ("İ@example.com", "i@example.com"),
        ("oﬀer@example.com", "offer@example.com"),
        ("straße@example.com", "strasse@example.com"),
        ("ſam@example.com", "sam@example.com"),
        ("аlice@example.com", "alice@example.com"),  # the first letter is Cyrillic
        ("alice+x@example.com", "alice@example.com"),
        ("a.lice@example.com", "alice@example.com"),
        ("alice@straße.example", "alice@strasse.example"),
    ],
)
def test_what_only_looks_alike_is_another_mailbox(one: str, other: str) -> None:
    assert key(one) != key(other)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "@", "alice", "alice@", "@example.com", "a@b", "a@localhost", "alice@@example.com", "a@b@example.com",
        '"alice"@example.com', '"a b"@example.com', "alice(x)@example.com", "alice@(x)example.com",
        "Alice <alice@example.com>", "<alice@example.com>", "a@example.com,b@example.com", "a@example.com;b@example.com",
        "a@example.com b@example.com", "mailto:alice@example.com", "alice@[127.0.0.1]", "alice@[IPv6:::1]",
        "alice@127.0.0.1", "alice@1.2.3.4", "alice@::1", "alice@example.com.", "alice@.example.com",
        "alice@example..com", "alice@-example.com", "alice@example-.com", "alice@exa_mple.com", "alice@exam ple.com",
        ".alice@example.com", "alice.@example.com", "al..ice@example.com", "al ice@example.com", "al\\ice@example.com",
        "alice@example.com\r\nBcc: eve@example.com", "al\nice@example.com", "alice@example.com\x00", "\x00alice@example.com",
        "alice\x7f@example.com", "alice\x85@example.com", "\x1falice@example.com", "\xa0alice@example.com",
        "al\u200bice@example.com", "al\u200dice@example.com", "al\u202eice@example.com", "al\u2066ice@example.com",
        "alice@exam\u200dple.com", "al\xadice@example.com", "\ufeffalice@example.com", "al\u2028ice@example.com",
        "al\u3164ice@example.com", "al\u034fice@example.com", "al\ufe0fice@example.com", "al\U000e0061ice@example.com",
        "al\ud800ice@example.com", "alice@\udfff.com", "al\ue000ice@example.com", "al\u0378ice@example.com",
        "\u0301alice@example.com", "al.\u0301ice@example.com", "alice\uff20example.com", "alice@example\u3002com",
        "alice@example\uff0ecom", "alice@ｅxample.com", "mi\u212ae@example.com", "alice@\u212a.com", "a\u037eb@example.com",
        "😀@example.com", "alice@😀.com", "alice@xn--a.com", "alice@xn--.com", "alice@xn--\u00fc.com", "alice@ab--cd.com",
        "=?utf-8?q?x?=@example.com", "a" * 65 + "@example.com", "é" * 33 + "@example.com", "a@" + "d" * 64 + ".com",
        "a" * 64 + "@" + LONG_DOMAIN + ".dddd", "a" * 1_000_000, "a@" + "ü" * 1_000_000, "\u0301" * 500_000 + "@a.com",
    ],
)  # fmt: skip
def test_what_programs_read_differently_is_no_address(text: str) -> None:
    with pytest.raises(BackstayError) as caught:
        read_address(text)
    assert (caught.value.code, caught.value.kind) == ("email_address_invalid", Kind.INVALID)
    assert str(caught.value) == "email_address_invalid: Email address is invalid"
    assert caught.value.__cause__ is None


def test_the_longest_address_is_254_octets_with_64_before_the_at() -> None:
    longest = "a" * 64 + "@" + LONG_DOMAIN + ".ddd"
    assert len(longest) == 254
    assert key(longest) == longest
    assert read_or_none(longest + "d") is None
    assert read_or_none("a" + longest[:-1]) is None


@given(st.text(max_size=300))
@example("İ\u0301@example.com")
def test_any_text_is_an_address_or_the_one_error(text: str) -> None:
    address = read_or_none(text)
    if address is not None:
        assert read_address(address.key).key == address.key


def read_or_none(text: str) -> Address | None:
    try:
        return read_address(text)
    except BackstayError:
        return None


LOCALS = st.text("abcXYZ019._+-éÉßıİΣςσжЖa\u0301\u0307ﬀ用", min_size=1, max_size=20)


@given(LOCALS, st.sampled_from(["example.com", "bücher.example", "例子.公司"]))
def test_a_key_survives_spelling_case_and_reading_again(local: str, domain: str) -> None:
    address = read_or_none(f"{local}@{domain}")
    if address is None:
        return
    assert read_address(address.key) == Address(address.key, address.key)
    assert unicodedata.is_normalized("NFC", address.key)
    assert key(unicodedata.normalize("NFD", address.typed)) == address.key
    assert key(address.typed.replace(domain, domain.upper())) == address.key
    if local.isascii():
        assert key(address.typed.upper()) == address.key
    Mail(address.typed, "subject", "text", "html")
