"""Access tokens that somebody else made, altered, or sent to the wrong place: none is taken, at any door."""

from __future__ import annotations

import base64
import hmac
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.jwk import ECKey

from tests.api.identity.conftest import TOKENS, World

OURS = {"alg": "HS256", "typ": "at+jwt"}
VECTORS = Path(os.environ.get("BACKSTAY_VECTORS", Path(__file__).parents[4] / "shared" / "vectors"))
WYCHEPROOF = VECTORS / "wycheproof_jws.json"

pytestmark = pytest.mark.auth(autoconfirm=True)


def segment(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    header, payload, signature = token.split(".")
    header_of, payload_of = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, payload))
    return header_of, payload_of, signature


async def refused(world: World, token: str) -> None:
    """Neither door knows the bearer."""
    for path in ("/user", "/rest/v1/nothing"):
        answer = await world.call("GET", path, token=token)
        assert answer.status_code == (403 if path == "/user" else 401), (path, answer.text)


async def signed_up(world: World) -> str:
    token: str = (await world.sign_up("ann@example.com")).json()["access_token"]
    assert (await world.call("GET", "/user", token=token)).status_code == 200
    return token


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", "", "HS256", "RS256", ["ES256"], None])
async def test_another_algorithm_in_the_header(world: World, algorithm: Any) -> None:
    header, payload, signature = parts(await signed_up(world))
    for end in ("", signature):
        await refused(world, f"{segment({**header, 'alg': algorithm})}.{segment(payload)}.{end}")
    without = {name: value for name, value in header.items() if name != "alg"}
    await refused(world, f"{segment(without)}.{segment(payload)}.{signature}")


async def test_the_public_key_as_a_secret(world: World) -> None:
    header, payload, _ = parts(await signed_up(world))
    public = (await world.call("GET", "/.well-known/jwks.json")).json()["keys"][0]
    numbers = ECKey.import_key(public).public_key
    forms = [
        json.dumps(public).encode(),
        numbers.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        numbers.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    ]
    for form in forms:
        for named in ({**header, "alg": "HS256"}, {"alg": "HS256", "typ": "at+jwt"}):
            await refused(world, signed(named, payload, form))


def signed(header: dict[str, Any], payload: dict[str, Any], secret: bytes) -> str:
    """A token with an HMAC under these bytes, whatever they look like."""
    message = f"{segment(header)}.{segment(payload)}"
    return f"{message}.{segment(hmac.digest(secret, message.encode(), 'sha256'))}"


def our_secret() -> bytes:
    assert TOKENS.secret is not None
    return TOKENS.secret.get_secret_value().encode()


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "kid"])
async def test_a_header_that_brings_its_own_key(world: World, name: str) -> None:
    header, payload, _ = parts(await signed_up(world))
    own = ECKey.generate_key("P-256")
    values: dict[str, Any] = {
        "jwk": own.as_dict(private=False),
        "jku": "http://127.0.0.1:9/keys",
        "x5u": "http://127.0.0.1:9/chain",
        "x5c": ["MIIB"],
        "crit": ["exp"],
        "b64": False,
        "zip": "DEF",
        "kid": "../../../../dev/null",
    }
    forged = segment({**header, name: values[name]}) + "." + segment(payload)
    signature = jws.serialize_compact(
        {"alg": "ES256"}, json.dumps(payload).encode(), own, algorithms=["ES256"]
    ).rpartition(".")[2]
    await refused(world, f"{forged}.{signature}")


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "http://evil.test/auth/v1"},
        {"aud": "another"},
        {"aud": ["another"]},
        {"exp": int(time.time()) - 3600},
        {"exp": "9999999999"},
        {"exp": 1e400},
        {"nbf": int(time.time()) + 3600},
        {"role": "service_role"},
        {"role": "anon", "sub": None},
        {"sub": "admin"},
        {"aal": "aal3"},
    ],
)
async def test_claims_that_are_not_for_us_now(world: World, change: dict[str, Any]) -> None:
    _, payload, _ = parts(await signed_up(world))
    assert (await world.call("GET", "/user", token=signed(OURS, payload, our_secret()))).status_code == 200
    token = signed(OURS, {**payload, **change}, our_secret())
    await refused(world, token)


@pytest.mark.parametrize("media_type", ["JWT", "rt+jwt", "id+jwt", "", "logout+jwt"])
async def test_a_token_of_another_type(world: World, media_type: str) -> None:
    _, payload, _ = parts(await signed_up(world))
    await refused(world, signed({"alg": "HS256", "typ": media_type}, payload, our_secret()))


async def test_another_spelling_of_a_good_token(world: World) -> None:
    token = await signed_up(world)
    header, payload, signature = token.split(".")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    neighbour = last[last.index(signature[-1]) ^ 1]
    for other in (
        f"{header}=.{payload}.{signature}",
        f"{header}.{payload}.{signature}==",
        f"{header}.{payload}.{signature[:-1]}{neighbour}",
        f"{header}.{payload}.{signature}.",
        f".{header}.{payload}.{signature}",
        f"{header}.{payload}.{signature} ",
        f"{header}. {payload}.{signature}",
    ):
        answer = await world.client.get("/auth/v1/user", headers={"Authorization": f"Bearer {other}"})
        assert answer.status_code == 403, other


async def test_a_token_that_is_too_large_to_look_at(world: World) -> None:
    token = await signed_up(world)
    answer = await world.client.get("/auth/v1/user", headers={"Authorization": f"Bearer {token}{'A' * 9000}"})
    assert answer.status_code in (403, 431)


async def test_a_refresh_token_is_no_access_token(world: World) -> None:
    session = (await world.sign_up("ann@example.com")).json()
    answer = await world.call("GET", "/user", token=session["refresh_token"])
    assert answer.status_code in (401, 403)


@pytest.mark.skipif(not WYCHEPROOF.exists(), reason="the public vectors are not on this machine")
async def test_no_vector_of_wycheproof_gets_in(world: World) -> None:
    """How each of them is judged, by a key that is trusted, is in `tests/unit/services/auth/test_wycheproof.py`."""
    tokens = [
        test["jws"] for group in json.loads(WYCHEPROOF.read_text())["testGroups"] for test in group["tests"]
    ]
    assert len(tokens) == 401
    for token in tokens:
        answer = await world.client.get(
            "/auth/v1/user", headers={"Authorization": b"Bearer " + token.encode("utf-8")}
        )
        assert answer.status_code in (400, 403), token
