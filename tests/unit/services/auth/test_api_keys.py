"""Opaque API keys: the configured ones give their caller, and nothing else does, least of all nothing."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from backstay.config.tokens import TokenSettings
from backstay.errors import BackstayError, ConfigurationError
from backstay.models.access.caller import ANONYMOUS, SERVICE
from backstay.services.auth.api_keys import ApiKeys

PUBLISHABLE = "sb_publishable_1234567890abcdef"
SECRET = "sb_secret_1234567890abcdef"


def keys(publishable: str | None = PUBLISHABLE, secret: str | None = SECRET) -> ApiKeys:
    return ApiKeys(
        TokenSettings(
            publishable_key=None if publishable is None else SecretStr(publishable),
            secret_key=None if secret is None else SecretStr(secret),
        )
    )


def test_each_key_gives_its_caller() -> None:
    assert keys().verify(PUBLISHABLE.encode()) is ANONYMOUS
    assert keys().verify(SECRET.encode()) is SERVICE


@pytest.mark.parametrize("publishable", [None, "", PUBLISHABLE])
@pytest.mark.parametrize("secret", [None, "", SECRET])
@pytest.mark.parametrize(
    "sent",
    [b"", b" ", b"\x00", b"None", b"sb_secret_", SECRET.encode()[:-1], SECRET.encode() + b" ", b"\xff" * 26],
)
def test_an_empty_or_wrong_key_matches_nothing_whatever_is_configured(
    publishable: str | None, secret: str | None, sent: bytes
) -> None:
    with pytest.raises(BackstayError) as caught:
        keys(publishable, secret).verify(sent)
    assert caught.value.code == "bad_api_key"


@pytest.mark.parametrize(
    ("publishable", "secret"),
    [
        ("same-key", "same-key"),
        (SECRET, PUBLISHABLE),
        ("with space", None),
        ("with.dot", None),
        (None, "ünicode"),
        (None, "line\n"),
    ],
)
def test_keys_that_are_equal_exchanged_or_unsendable_are_refused_at_start(
    publishable: str | None, secret: str | None
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        keys(publishable, secret)
    for key in (publishable, secret):
        assert key is None or key not in str(caught.value)
