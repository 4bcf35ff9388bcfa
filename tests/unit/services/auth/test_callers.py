"""The precedence of credentials: what is sent must be valid, and only sending nothing is anonymous."""

from __future__ import annotations

import json
from itertools import product
from uuid import UUID

import pytest
from joserfc import jws
from joserfc.jwk import OctKey
from pydantic import SecretStr

from backstay.config.tokens import TokenSettings
from backstay.errors import BackstayError, Kind
from backstay.models.access.caller import ANONYMOUS, SERVICE
from backstay.services.auth.api_keys import ApiKeys
from backstay.services.auth.callers import Callers
from backstay.services.auth.tokens import AccessTokens

NOW = 1_800_000_000
USER = UUID("0198c0de-0000-7000-8000-000000000001")
SETTINGS = TokenSettings(
    secret=SecretStr("s" * 40),
    publishable_key=SecretStr("sb_publishable_1234567890"),
    secret_key=SecretStr("sb_secret_1234567890"),
)
TOKENS = AccessTokens(SETTINGS, lambda: NOW)
CALLERS = Callers(TOKENS, ApiKeys(SETTINGS))

PUBLISHABLE = b"sb_publishable_1234567890"
SECRET = b"sb_secret_1234567890"
TOKEN = TOKENS.mint(USER).encode()


def _jwt_key(role: str, expires: int = NOW + 1000) -> bytes:
    payload = json.dumps({"role": role, "iss": "backstay", "iat": NOW - 5000, "exp": expires})
    return jws.serialize_compact(
        {"alg": "HS256", "typ": "JWT"}, payload, OctKey.import_key("s" * 40)
    ).encode()


ANON_JWT, SERVICE_JWT = _jwt_key("anon"), _jwt_key("service_role")
BAD_BEARERS = [b"", b" ", b"x", b"sb_secret_x", TOKEN[:-3], b" " + TOKEN, TOKEN + b" ", b"\xff\xfe", b"a.b.c", b",",
               TOKEN + b", Bearer " + TOKEN, _jwt_key("anon", NOW - 31), _jwt_key("authenticated")]  # fmt: skip
BAD_KEYS = [b"", b" ", b"x", b"sb_secret_x", TOKEN, TOKEN[:-3], b"\xff", PUBLISHABLE + b",", b".", b"..",
            _jwt_key("anon", NOW - 31), _jwt_key("authenticated")]  # fmt: skip


def test_nothing_sent_is_anonymous() -> None:
    assert CALLERS.of(None, None) is ANONYMOUS


@pytest.mark.parametrize(
    ("key", "caller"),
    [(PUBLISHABLE, ANONYMOUS), (SECRET, SERVICE), (ANON_JWT, ANONYMOUS), (SERVICE_JWT, SERVICE)],
)
def test_an_api_key_counts_in_its_header_as_the_bearer_and_as_both(key: bytes, caller: object) -> None:
    assert CALLERS.of(None, key) is caller
    assert CALLERS.of(b"Bearer " + key, None) is caller
    assert CALLERS.of(b"Bearer " + key, key) is caller


@pytest.mark.parametrize("key", [None, PUBLISHABLE, SECRET, ANON_JWT, SERVICE_JWT])
@pytest.mark.parametrize("scheme", [b"Bearer ", b"bearer ", b"BEARER "])
def test_a_users_token_wins_over_any_api_key(scheme: bytes, key: bytes | None) -> None:
    caller = CALLERS.of(scheme + TOKEN, key)
    assert caller.id == USER
    assert not caller.bypasses_rules
    assert CALLERS.of(scheme + TOKEN, key) is caller


def test_the_bearer_wins_over_another_api_key() -> None:
    assert CALLERS.of(b"Bearer " + PUBLISHABLE, SECRET) is ANONYMOUS
    assert CALLERS.of(b"Bearer " + SECRET, PUBLISHABLE) is SERVICE


@pytest.mark.parametrize("authorization", [None, b"Bearer " + TOKEN, b"Bearer " + SECRET, b"Bearer x"])
@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_bad_api_key_is_refused_whatever_the_bearer(authorization: bytes | None, key: bytes) -> None:
    with pytest.raises(BackstayError) as caught:
        CALLERS.of(authorization, key)
    assert (caught.value.code, caught.value.kind) == ("bad_api_key", Kind.UNAUTHENTICATED)


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_bad_api_key_is_refused_as_its_own_bearer_too(key: bytes) -> None:
    with pytest.raises(BackstayError) as caught:
        CALLERS.of(b"Bearer " + key, key)
    assert caught.value.code == "bad_api_key"


@pytest.mark.parametrize(("bearer", "key"), list(product(BAD_BEARERS, [None, PUBLISHABLE, SECRET])))
def test_a_bad_bearer_is_refused_and_never_falls_back_to_the_api_key(
    bearer: bytes, key: bytes | None
) -> None:
    with pytest.raises(BackstayError) as caught:
        CALLERS.of(b"Bearer " + bearer, key)
    assert caught.value.kind is Kind.UNAUTHENTICATED
    assert caught.value.code in ("PGRST301", "PGRST303", "bad_api_key")


@pytest.mark.parametrize(
    "authorization",
    [b"", b" ", b"Bearer", b"Bearer\t" + TOKEN, b" Bearer " + TOKEN, b"Basic YTpi", b"Token " + TOKEN, TOKEN,
     SECRET, b"Bearer:" + TOKEN, b"BearerX " + TOKEN, b"\xff\xfe\xfd", "Beärer ".encode() + TOKEN],
)  # fmt: skip
@pytest.mark.parametrize("key", [None, PUBLISHABLE, SECRET])
def test_an_authorization_of_another_form_is_refused_and_never_anonymous(
    authorization: bytes, key: bytes | None
) -> None:
    with pytest.raises(BackstayError) as caught:
        CALLERS.of(authorization, key)
    assert caught.value.code == "bad_jwt"


def test_a_jwt_key_that_fails_as_a_bearer_says_what_protocol_clients_expect() -> None:
    with pytest.raises(BackstayError) as caught:
        CALLERS.of(b"Bearer " + _jwt_key("anon", NOW - 31), None)
    assert (caught.value.code, caught.value.message) == ("PGRST303", "JWT expired")


def test_unset_keys_leave_only_tokens_and_the_anonymous() -> None:
    callers = Callers(TOKENS, ApiKeys(TokenSettings(secret=SecretStr("s" * 40), secret_key=SecretStr(""))))
    assert callers.of(None, None) is ANONYMOUS
    assert callers.of(b"Bearer " + TOKEN, None).id == USER
    for authorization, key in ((None, b""), (b"Bearer ", None), (b"Bearer ", b"")):
        with pytest.raises(BackstayError):
            callers.of(authorization, key)
