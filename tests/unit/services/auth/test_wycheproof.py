"""Wycheproof's JSON Web Signature vectors through the signature layer, each group's key as the only trusted one."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import pytest
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from backstay.errors import BackstayError, ConfigurationError
from backstay.services.auth.signatures import TokenKey, open_token

FOLDER = Path(os.environ.get("BACKSTAY_VECTORS", Path(__file__).parents[5] / "shared" / "vectors"))
FILE = FOLDER / "wycheproof_jws.json"

EXCLUDED = {
    346: "Figure20 names PS384, its key PS256",
    347: "Figure27 names ES512, its key ES521, which is no algorithm",
    350: "Figure20 names PS384, its key PS256",
    351: "Figure27 names ES512, its key ES521, which is no algorithm",
    367: "'invalid', and byte for byte the valid 357",
    370: "'invalid', and byte for byte the valid 357",
    372: "'valid' with a '?' in the header",
    373: "'valid' with a '?' in the payload",
}

pytestmark = pytest.mark.skipif(not FILE.exists(), reason="the public vectors are not on this machine")


def _opens(group: dict[str, Any], token: str) -> bool:
    jwk = group.get("public") or group["private"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # A group without `alg` is about the key's use: the algorithm is then the one that its tokens name.
            key = TokenKey(jwk.get("alg") or {"RSA": "RS256", "EC": "ES256"}[jwk["kty"]], import_key(jwk))
        open_token(token.encode("utf-8"), {jwk["kid"]: key, None: key})
    except (BackstayError, ConfigurationError, JoseError):
        return False
    return True


def _vectors() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [(group, test) for group in json.loads(FILE.read_text())["testGroups"] for test in group["tests"]]


def test_every_vector_but_the_excluded_is_judged_as_published() -> None:
    wrong = []
    counts = {"valid": 0, "invalid": 0}
    for group, test in _vectors():
        if test["tcId"] in EXCLUDED:
            continue
        counts[test["result"]] += 1
        if _opens(group, test["jws"]) != (test["result"] == "valid"):
            wrong.append((test["tcId"], test["comment"], test["result"]))
    assert wrong == []
    assert counts == {"valid": 40, "invalid": 353}


def test_the_excluded_are_judged_by_what_they_are_rather_than_by_their_label() -> None:
    opened = {
        test["tcId"] for group, test in _vectors() if test["tcId"] in EXCLUDED and _opens(group, test["jws"])
    }
    assert opened == {367, 370}
