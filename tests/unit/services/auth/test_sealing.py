"""Sealed bytes open for whom they were sealed, and for nobody else."""

from __future__ import annotations

import pytest

from backstay.errors import ConfigurationError
from backstay.services.auth.sealing import Sealing

SECRET = b"a secret of the server, 32 bytes or more"


def test_what_was_sealed_opens_for_its_owner() -> None:
    sealing = Sealing(SECRET, b"one")
    assert sealing.open(sealing.seal(b"clear", b"ann"), b"ann") == b"clear"
    assert sealing.seal(b"clear", b"ann") != sealing.seal(b"clear", b"ann")


def test_no_other_owner_purpose_or_secret_opens_it() -> None:
    sealed = Sealing(SECRET, b"one").seal(b"clear", b"ann")
    for other, owner in (
        (Sealing(SECRET, b"one"), b"bob"),
        (Sealing(SECRET, b"two"), b"ann"),
        (Sealing(SECRET + b"!", b"one"), b"ann"),
    ):
        with pytest.raises(ValueError, match="do not open"):
            other.open(sealed, owner)


def test_no_altered_byte_and_no_shorter_text_opens() -> None:
    sealing = Sealing(SECRET, b"one")
    sealed = sealing.seal(b"clear", b"ann")
    altered = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    for bad in (*altered, *(sealed[:length] for length in range(len(sealed)))):
        with pytest.raises(ValueError, match="do not open"):
            sealing.open(bad, b"ann")


def test_a_short_secret_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match=r"tokens\.secret"):
        Sealing(b"short", b"one")
