"""Signing keys: sealed at rest, rotated without a refused token, revoked at once."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from uuid import uuid4

import pytest
from joserfc.jwk import ECKey

from backstay.config.tokens import TokenSettings
from backstay.errors import BackstayError, ConfigurationError
from backstay.services.auth.key_ring import (
    GRACE_SECONDS,
    KeyRing,
    SigningKey,
    new_key,
    open_private,
    revoke,
    rotate,
    without_dead,
)
from backstay.services.auth.tokens import AccessTokens

SECRET = b"s" * 40
NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
LIFETIME = 600
USER = uuid4()


def later(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


def tokens(keys: tuple[SigningKey, ...], now: dt.datetime = NOW) -> AccessTokens:
    ring = KeyRing(keys, SECRET)
    settings = TokenSettings(lifetime_seconds=LIFETIME)
    trusted = ring.verifying(now, LIFETIME)
    return AccessTokens(settings, now.timestamp, keys=trusted, signing_kid=ring.signing.kid)


def states(keys: tuple[SigningKey, ...]) -> list[str]:
    return [key.state for key in keys]


def test_the_first_rotation_makes_a_current_and_a_next_key() -> None:
    assert states(rotate((), SECRET, NOW)) == ["current", "next"]


def test_the_kid_is_the_thumbprint_of_the_public_half() -> None:
    key = new_key(SECRET, NOW)
    assert key.kid == ECKey.import_key(dict(key.public)).thumbprint()
    assert set(key.public) == {"kty", "crv", "x", "y"}


def test_the_private_half_is_nowhere_in_clear() -> None:
    key = new_key(SECRET, NOW)
    private = str(open_private(key, SECRET).as_dict(private=True)["d"])
    assert private not in repr(key)
    assert private.encode() not in key.sealed_private
    document = json.dumps(KeyRing(rotate((key,), SECRET, NOW), SECRET).jwks(NOW, LIFETIME))
    assert private not in document
    assert '"d"' not in document


def test_two_keys_are_sealed_differently() -> None:
    first, second = new_key(SECRET, NOW), new_key(SECRET, NOW)
    assert first.sealed_private[1:13] != second.sealed_private[1:13]


def test_another_secret_opens_nothing_and_the_error_holds_no_secret() -> None:
    with pytest.raises(ConfigurationError, match="does not open") as caught:
        open_private(new_key(SECRET, NOW), b"t" * 40)
    assert caught.value.__suppress_context__
    assert "ssss" not in str(caught.value)


def test_a_short_secret_seals_nothing() -> None:
    with pytest.raises(ConfigurationError, match="32 random bytes"):
        new_key(b"short", NOW)


@pytest.mark.parametrize("position", [0, 1, 12, 13, 40, -1])
def test_one_altered_byte_of_a_sealed_key_is_noticed(position: int) -> None:
    key = new_key(SECRET, NOW)
    sealed = bytearray(key.sealed_private)
    sealed[position] ^= 1
    with pytest.raises(ConfigurationError):
        open_private(replace(key, sealed_private=bytes(sealed)), SECRET)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + b"n" * 12, b"\x02" + b"n" * 60])
def test_what_is_no_sealed_key_is_refused_as_configuration(sealed: bytes) -> None:
    with pytest.raises(ConfigurationError):
        open_private(replace(new_key(SECRET, NOW), sealed_private=sealed), SECRET)


def test_a_sealed_half_moved_to_another_kid_does_not_open() -> None:
    one, other = new_key(SECRET, NOW), new_key(SECRET, NOW)
    with pytest.raises(ConfigurationError):
        open_private(replace(one, sealed_private=other.sealed_private), SECRET)


def test_a_public_half_written_into_the_table_is_not_trusted() -> None:
    keys = rotate((), SECRET, NOW)
    foreign = new_key(b"f" * 40, NOW)
    swapped = replace(keys[1], public=foreign.public)
    for planted in (foreign, replace(foreign, state="old", retired_at=NOW), swapped):
        with pytest.raises(ConfigurationError):
            KeyRing((keys[0], planted), SECRET)


@pytest.mark.parametrize("count", [0, 2])
def test_exactly_one_key_is_current(count: int) -> None:
    with pytest.raises(ConfigurationError, match="there must be one"):
        KeyRing([new_key(SECRET, NOW, "current") for _ in range(count)], SECRET)


def test_tokens_of_before_and_after_a_rotation_are_accepted_on_both_sides_of_it() -> None:
    before = rotate((), SECRET, NOW)
    after = rotate(before, SECRET, NOW)
    assert states(after) == ["current", "next", "old"]
    assert after[0].kid == before[1].kid
    old, new = tokens(before), tokens(after)
    assert new.verify(old.mint(USER)).id == USER
    # A process that has not heard of the rotation knows the new key as the next one.
    assert old.verify(new.mint(USER)).id == USER


def test_an_old_key_verifies_until_its_last_token_has_died_and_no_longer() -> None:
    keys = rotate(rotate((), SECRET, NOW), SECRET, NOW)
    ring, old = KeyRing(keys, SECRET), keys[2].kid
    end = LIFETIME + GRACE_SECONDS
    for document in (True, False):
        for seconds, trusted in ((0, True), (LIFETIME, True), (end - 1, True), (end, False)):
            now = later(seconds)
            kids = (
                {key["kid"] for key in ring.jwks(now, LIFETIME)["keys"]}
                if document
                else set(ring.verifying(now, LIFETIME))
            )
            assert (old in kids) is trusted, seconds
    assert len(without_dead(keys, later(end - 1), LIFETIME)) == 3
    assert len(without_dead(keys, later(end), LIFETIME)) == 2


def test_a_second_rotation_does_not_lengthen_the_life_of_an_old_key() -> None:
    keys = rotate(rotate((), SECRET, NOW), SECRET, NOW)
    again = rotate(keys, SECRET, later(300))
    assert {key.kid: key.retired_at for key in again}[keys[2].kid] == NOW


def test_a_revoked_current_key_is_replaced_by_the_next_and_its_tokens_are_refused() -> None:
    keys = rotate((), SECRET, NOW)
    token = tokens(keys).mint(USER)
    after = revoke(keys, keys[0].kid, SECRET, NOW)
    assert sorted(states(after)) == ["current", "next", "revoked"]
    assert next(key for key in after if key.state == "current").kid == keys[1].kid
    with pytest.raises(BackstayError) as caught:
        tokens(after).verify(token)
    assert caught.value.code == "PGRST301"
    assert keys[0].kid not in json.dumps(KeyRing(after, SECRET).jwks(NOW, LIFETIME))


@pytest.mark.parametrize("position", [1, 2])
def test_a_revoked_next_or_old_key_leaves_the_current_one_signing(position: int) -> None:
    keys = rotate(rotate((), SECRET, NOW), SECRET, NOW)
    after = revoke(keys, keys[position].kid, SECRET, NOW)
    ring = KeyRing(after, SECRET)
    assert ring.signing.kid == keys[0].kid
    assert keys[position].kid not in ring.verifying(NOW, LIFETIME)
    assert states(after).count("next") == 1


def test_revoking_erases_the_private_half_and_is_said_once() -> None:
    keys = rotate((), SECRET, NOW)
    once = revoke(keys, keys[0].kid, SECRET, NOW)
    assert next(key for key in once if key.state == "revoked").sealed_private == b""
    assert revoke(once, keys[0].kid, SECRET, later(9)) == once


def test_an_unknown_kid_cannot_be_revoked() -> None:
    with pytest.raises(BackstayError) as caught:
        revoke(rotate((), SECRET, NOW), "nobody", SECRET, NOW)
    assert caught.value.code == "not_found"


def test_the_published_set_is_of_public_es256_keys_the_current_first() -> None:
    ring = KeyRing(reversed(rotate((), SECRET, NOW)), SECRET)
    published = ring.jwks(NOW, LIFETIME)["keys"]
    assert published[0]["kid"] == ring.signing.kid
    for key in published:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
        assert (key["alg"], key["use"], key["crv"]) == ("ES256", "sig", "P-256")
