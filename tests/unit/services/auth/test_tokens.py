"""Access tokens: what is minted is verified, and everything else is refused with a 401 that gives nothing away."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import traceback
import warnings
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import serialization
from joserfc.jwk import ECKey, OctKey, RSAKey
from pydantic import SecretStr

from backstay.config.tokens import TokenSettings
from backstay.errors import BackstayError, ConfigurationError, Kind
from backstay.models.access.caller import ANONYMOUS, SERVICE
from backstay.services.auth import tokens as tokens_module
from backstay.services.auth.signatures import MAX_TOKEN_BYTES, TokenKey
from backstay.services.auth.tokens import AccessTokens

SECRET = "an-hmac-secret-of-more-than-32-bytes-0123456789"
USER = UUID("0198c0de-0000-7000-8000-000000000001")
NOW = 1_800_000_000
SETTINGS = TokenSettings(secret=SecretStr(SECRET))
HEADER = {"alg": "HS256", "typ": "at+jwt"}
CLAIMS: dict[str, Any] = {
    "iss": "backstay",
    "aud": "authenticated",
    "sub": str(USER),
    "role": "authenticated",
    "exp": NOW + 3600,
    "iat": NOW,
    "nbf": NOW,
}


class Clock:
    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock: Clock) -> AccessTokens:
    return AccessTokens(SETTINGS, clock)


def b64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def forge(
    header: dict[str, Any] | bytes = HEADER,
    claims: dict[str, Any] | bytes = CLAIMS,
    *,
    secret: bytes = SECRET.encode(),
    digest: str = "sha256",
) -> bytes:
    """A correctly signed token of whatever header and claims."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)]
    signed = b".".join(b64(part) for part in parts)
    return signed + b"." + b64(hmac.new(secret, signed, getattr(hashlib, digest)).digest())


def claims_text(**changed: str) -> bytes:
    """Claims with members replaced by raw JSON text; an empty text drops the member."""
    members = {name: json.dumps(value) for name, value in CLAIMS.items()} | changed
    return ("{" + ",".join(f'"{name}":{text}' for name, text in members.items() if text) + "}").encode()


def refusal(tokens: AccessTokens, token: bytes | str) -> BackstayError:
    with pytest.raises(BackstayError) as caught:
        tokens.verify(token)
    error = caught.value
    assert error.kind is Kind.UNAUTHENTICATED
    assert error.__cause__ is None
    assert error.__context__ is None
    text = token if isinstance(token, str) else token.decode("latin-1")
    if len(text) > 20:
        assert text not in "".join(traceback.format_exception(error)), "the token must not reach a log"
    return error


def test_a_minted_token_gives_its_user_back(tokens: AccessTokens) -> None:
    token = tokens.mint(
        USER,
        email="a@example.org",
        roles=["editor"],
        permissions=["trips:read", "orders:*"],
        aal=2,
        app_metadata={"tenant": "t1"},
        user_metadata={"name": "Zoë"},
    )
    caller = tokens.verify(token)
    assert (caller.id, caller.role, caller.aal) == (USER, "authenticated", 2)
    assert caller.has_role("editor")
    assert not caller.has_role("admin")
    assert caller.can("trips:read")
    assert caller.can("orders:delete")
    assert not caller.can("trips:delete")
    assert caller.claims["email"] == "a@example.org"
    assert caller.claims["app_metadata"] == {"tenant": "t1"}
    assert "user_metadata" not in caller.claims
    assert caller.unverified_metadata == {"name": "Zoë"}
    header, payload = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    assert header == {"alg": "HS256", "typ": "at+jwt"}
    assert payload["exp"] - payload["iat"] == 600
    assert payload["aal"] == "aal2"


def test_claims_of_a_remembered_caller_cannot_be_written_by_a_request(tokens: AccessTokens) -> None:
    caller = tokens.verify(tokens.mint(USER, user_metadata={"a": 1}))
    with pytest.raises(TypeError):
        caller.claims["email"] = "other"  # type: ignore[index]
    with pytest.raises(TypeError):
        caller.unverified_metadata["a"] = 2  # type: ignore[index]


def test_the_forging_of_this_file_makes_good_tokens_so_that_refusals_mean_something(
    tokens: AccessTokens,
) -> None:
    assert tokens.verify(forge()).id == USER
    assert tokens.verify(forge().decode()).id == USER
    assert tokens.verify(forge(claims=claims_text())).id == USER


GOOD: list[tuple[str, bytes]] = [
    ("typ in upper case", forge({**HEADER, "typ": "AT+JWT"})),
    ("typ with its full media type", forge({**HEADER, "typ": "application/at+jwt"})),
    ("aud as a list", forge(claims={**CLAIMS, "aud": ["other", "authenticated"]})),
    ("no nbf", forge(claims=claims_text(nbf=""))),
    ("no iat", forge(claims=claims_text(iat=""))),
    ("exp within the leeway", forge(claims={**CLAIMS, "exp": NOW - 29})),
    ("nbf within the leeway", forge(claims={**CLAIMS, "nbf": NOW + 30})),
    ("iat within the leeway", forge(claims={**CLAIMS, "iat": NOW + 30})),
    ("exp at 2^53", forge(claims={**CLAIMS, "exp": 2**53})),
    (
        "100 roles of 100 characters each is too large, 50 are not",
        forge(claims={**CLAIMS, "roles": ["r" * 100] * 50}),
    ),
    ("spaces in the JSON of the header", forge(b'{ "typ" : "at+jwt",\n "alg" : "HS256" }')),
]


@pytest.mark.parametrize("token", [token for _, token in GOOD], ids=[name for name, _ in GOOD])
def test_accepted(tokens: AccessTokens, token: bytes) -> None:
    assert tokens.verify(token).id == USER


RSA_PUBLIC_PEM = RSAKey.generate_key(2048, private=True).as_pem(private=False)
ATTACKER_JWK = OctKey.import_key(b"k" * 32).as_dict()

ODD_KIDS: list[Any] = [
    "", "other", "../../../../dev/null", "' OR 1=1 --", "http://127.0.0.1:9/", None, 0, [], {},
]  # fmt: skip

BAD_HEADERS: list[tuple[str, bytes]] = [
    *(
        (f"alg {alg!r}", forge({**HEADER, "alg": alg}))
        for alg in ("none", "None", "nOnE", "NONE", "", "hs256")
    ),
    *((f"alg {alg!r}", forge({**HEADER, "alg": alg})) for alg in (None, True, 1, ["HS256"], {"a": "HS256"})),
    ("alg absent", forge({"typ": "at+jwt"})),
    ("alg none and no signature", b64(b'{"alg":"none","typ":"at+jwt"}') + b"." + b64(claims_text()) + b"."),
    ("HS384 with the same key", forge({**HEADER, "alg": "HS384"}, digest="sha384")),
    ("HS512 with the same key", forge({**HEADER, "alg": "HS512"}, digest="sha512")),
    ("RS256 named, signed with the secret", forge({**HEADER, "alg": "RS256"})),
    ("signed with a public key", forge(secret=RSA_PUBLIC_PEM)),
    ("embedded jwk", forge({**HEADER, "jwk": ATTACKER_JWK}, secret=b"k" * 32)),
    ("embedded jwk, right signature", forge({**HEADER, "jwk": ATTACKER_JWK})),
    ("jku", forge({**HEADER, "jku": "http://127.0.0.1:9/jwks"})),
    ("x5u", forge({**HEADER, "x5u": "http://127.0.0.1:9/x5u"})),
    ("x5c", forge({**HEADER, "x5c": ["MIIB"]})),
    ("crit", forge({**HEADER, "crit": ["exp"], "exp": NOW})),
    ("empty crit", forge({**HEADER, "crit": []})),
    ("b64 false", forge({**HEADER, "b64": False, "crit": ["b64"]})),
    ("zip", forge({**HEADER, "zip": "DEF"})),
    ("enc", forge({**HEADER, "enc": "A256GCM"})),
    ("cty JWT", forge({**HEADER, "cty": "JWT"})),
    ("a parameter nobody knows", forge({**HEADER, "x": "y"})),
    *((f"kid {kid!r}", forge({**HEADER, "kid": kid})) for kid in ODD_KIDS),
    *(
        (f"typ {typ!r}", forge({**HEADER, "typ": typ}))
        for typ in ("JWT", "rt+jwt", "id+jwt", "", "at+jwt ", "text/at+jwt", None, 1, ["at+jwt"])
    ),
    ("typ absent", forge({"alg": "HS256"})),
    ("duplicate alg", forge(b'{"alg":"none","typ":"at+jwt","alg":"HS256"}')),
    ("duplicate typ", forge(b'{"typ":"at+jwt","typ":"at+jwt","alg":"HS256"}')),
    ("duplicate alg, escaped", forge(b'{"alg":"none","typ":"at+jwt","\\u0061lg":"HS256"}')),
    ("header is a list", forge(b'["alg","HS256"]')),
    ("header is null", forge(b"null")),
    ("header is empty", forge(b"")),
    ("header nested deep", forge(b"[" * 4000)),
    ("header with NaN", forge(b'{"alg":"HS256","typ":"at+jwt","kid":NaN}')),
    ("header in UTF-16", forge('{"alg":"HS256","typ":"at+jwt"}'.encode("utf-16"))),
    ("header with a BOM", forge(b"\xef\xbb\xbf" + json.dumps(HEADER).encode())),
    ("header in invalid UTF-8", forge(b'{"alg":"HS256","typ":"\xff"}')),
    ("header with a number of 5000 digits", forge(b'{"alg":' + b"9" * 5000 + b"}")),
]


def _respelled(change: Callable[[bytes, bytes, bytes], bytes]) -> bytes:
    header, payload, signature = forge().split(b".")
    return change(header, payload, signature)


def _last_bits(segment: bytes) -> bytes:
    # 32 bytes are 43 characters; the last carries 4 bits, so its two low bits must be zero.
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return segment[:-1] + bytes([alphabet[alphabet.index(segment[-1]) + 1]])


BAD_SPELLINGS: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("one segment", b"abc"),
    ("two segments", _respelled(lambda h, p, s: h + b"." + p)),
    ("four segments", _respelled(lambda h, p, s: b".".join((h, p, s, s)))),
    ("five segments, as a JWE", _respelled(lambda h, p, s: b".".join((h, h, p, p, s)))),
    ("only dots", b".."),
    ("thousands of dots", b"." * 8000),
    ("no signature", _respelled(lambda h, p, s: h + b"." + p + b".")),
    ("no payload", _respelled(lambda h, p, s: h + b".." + s)),
    ("padded signature", _respelled(lambda h, p, s: b".".join((h, p, s + b"=")))),
    ("padded header", _respelled(lambda h, p, s: b".".join((h + b"=" * (-len(h) % 4 or 4), p, s)))),
    ("unused bits set in the signature", _respelled(lambda h, p, s: b".".join((h, p, _last_bits(s))))),
    ("a character of the other alphabet", _respelled(lambda h, p, s: b".".join((h, p, b"+" + s[1:])))),
    ("space in the signature", _respelled(lambda h, p, s: b".".join((h, p, s[:5] + b" " + s[5:])))),
    ("newline at the end", _respelled(lambda h, p, s: b".".join((h, p, s + b"\n")))),
    ("NUL in the payload", _respelled(lambda h, p, s: b".".join((h, b"\x00" + p, s)))),
    ("not ASCII", _respelled(lambda h, p, s: b".".join((h, p, s + b"\xc3\xa9")))),
    (
        "one bit of the signature flipped",
        _respelled(lambda h, p, s: b".".join((h, p, bytes([s[0] ^ 1]) + s[1:]))),
    ),
    ("signature cut short", _respelled(lambda h, p, s: b".".join((h, p, s[:-4])))),
    ("payload changed", _respelled(lambda h, p, s: b".".join((h, b64(claims_text(roles='["admin"]')), s)))),
    ("signed with another secret", forge(secret=b"x" * 32)),
    ("signed with nothing", forge(secret=b"")),
]


@pytest.mark.parametrize(
    "token",
    [token for _, token in BAD_HEADERS + BAD_SPELLINGS],
    ids=[name for name, _ in BAD_HEADERS + BAD_SPELLINGS],
)
def test_refused_as_no_token_of_ours(tokens: AccessTokens, token: bytes) -> None:
    error = refusal(tokens, token)
    assert error.code in ("PGRST301", "PGRST303")
    if error.code == "PGRST303":
        assert token.startswith(b64(b'{"alg": "HS256", "typ": "JWT"}')), (
            "only a JWT key gets as far as its claims"
        )


def test_a_text_that_is_not_ascii_is_refused(tokens: AccessTokens) -> None:
    assert refusal(tokens, forge().decode() + "é").code == "PGRST301"


def test_a_token_of_8_kib_passes_and_one_byte_more_is_refused_unread(tokens: AccessTokens) -> None:
    def sized(total: int) -> bytes:
        for padding in range(5000, 7000):
            token = forge(claims={**CLAIMS, "pad": "x" * padding})
            if len(token) == total:
                return token
        raise AssertionError(total)

    assert tokens.verify(sized(MAX_TOKEN_BYTES)).id == USER
    assert refusal(tokens, sized(MAX_TOKEN_BYTES + 1)).code == "PGRST301"
    assert refusal(tokens, forge() + b"A" * (MAX_TOKEN_BYTES + 1 - len(forge()))).code == "PGRST301"
    assert refusal(tokens, b"." * 1_000_000).code == "PGRST301"


BAD_PAYLOADS: list[tuple[str, bytes]] = [
    ("not JSON", b"hello"),
    ("empty", b""),
    ("a list", b"[]"),
    ("duplicate role", claims_text()[:-1] + b',"role":"authenticated"}'),
    ("duplicate in a nested object", claims_text(app_metadata='{"a":1,"a":2}')),
    ("NaN somewhere", claims_text(x="NaN")),
    ("1e400 somewhere", claims_text(x="1e400")),
    ("-Infinity somewhere", claims_text(x="-Infinity")),
    ("lone surrogate", claims_text(email='"\\ud800"')),
    ("invalid UTF-8", claims_text(email='"@"').replace(b"@", b"\xff")),
    ("UTF-16", claims_text().decode().encode("utf-16")),
    ("nested deep", claims_text(x="[" * 2500 + "]" * 2500)),
    ("trailing text", claims_text() + b"{}"),
    ("number of 5000 digits", claims_text(x="9" * 5000)),
]


@pytest.mark.parametrize(
    "payload", [text for _, text in BAD_PAYLOADS], ids=[name for name, _ in BAD_PAYLOADS]
)
def test_a_signed_payload_that_is_no_clean_json_object_is_refused(
    tokens: AccessTokens, payload: bytes
) -> None:
    assert refusal(tokens, forge(claims=payload)).code == "PGRST301"


ODD_TIMES = (
    '"1900000000"', "1900000000.0", "1900000000.5", "19e8", "-1", "true", "null", "[]", "{}", '""',
    str(2**53 + 1), str(2**63), str(2**64), "1" + "0" * 400,
)  # fmt: skip

BAD_CLAIMS: list[tuple[str, bytes]] = [
    *((f"{name} {text[:24]}", claims_text(**{name: text})) for name in ("exp", "nbf", "iat") for text in ODD_TIMES),
    ("exp missing", claims_text(exp="")),
    ("exp zero", claims_text(exp="0")),
    ("nbf in the future", claims_text(nbf=str(NOW + 31))),
    ("iat in the future", claims_text(iat=str(NOW + 31))),
    *((f"iss {text}", claims_text(iss=text)) for text in ("", '""', "null", '"backstay "', '"back"', '["backstay"]')),
    *(
        (f"aud {text}", claims_text(aud=text))
        for text in ("", '""', "null", '"other"', "[]", '["other"]', '["authenticated",1]', '[["authenticated"]]', "{}")
    ),
    *(
        (f"sub {text}", claims_text(sub=text))
        for text in (
            "", '""', "null", "1", '"admin"', f'"{{{USER}}}"', f'"urn:uuid:{USER}"', f'"{USER.hex}"',
            f'"{USER} "', f'["{USER}"]', f'"{USER}"'.replace("1", "\u0661"),
        )
    ),
    *(
        (f"role {text}", claims_text(role=text))
        for text in ("", '"service_role"', '"anon"', '"postgres"', "null", '["authenticated"]', '"Authenticated"')
    ),
    *(
        (f"{name} {text[:24]}", claims_text(**{name: text}))
        for name in ("roles", "permissions")
        for text in (
            '"admin"', "null", "[1]", "[null]", '[["admin"]]', '{"admin":1}', "true",
            json.dumps(["r"] * 101), json.dumps(["r" * 101]),
        )
    ),
    *((f"aal {text}", claims_text(aal=text)) for text in ('"aal3"', "2", "null", '["aal2"]')),
    *((f"user_metadata {text}", claims_text(user_metadata=text)) for text in ("[]", "null", '"x"')),
    *((f"session_id {text}", claims_text(session_id=text)) for text in ("null", "1", '"x"', f'["{USER}"]', "{}")),
    *((f"authority {text}", claims_text(authority=text)) for text in ("null", "true", '"1"', "1.0", "[]")),
]  # fmt: skip


@pytest.mark.parametrize("payload", [text for _, text in BAD_CLAIMS], ids=[name for name, _ in BAD_CLAIMS])
def test_a_claim_that_is_odd_or_not_for_us_is_refused(tokens: AccessTokens, payload: bytes) -> None:
    assert refusal(tokens, forge(claims=payload)).code == "PGRST303"


def test_an_expired_token_says_so_in_the_words_that_clients_know(tokens: AccessTokens, clock: Clock) -> None:
    token = tokens.mint(USER, lifetime_seconds=60)
    clock.now = NOW + 60 + 30
    error = refusal(tokens, token)
    assert (error.code, error.message) == ("PGRST303", "JWT expired")


def test_a_remembered_token_gives_the_same_caller_and_still_expires(
    tokens: AccessTokens, clock: Clock
) -> None:
    token = tokens.mint(USER, lifetime_seconds=60).encode()
    caller = tokens.verify(token)
    clock.now = NOW + 89.9
    assert tokens.verify(bytes(bytearray(token))) is caller
    assert tokens.verify(token.decode()) is caller
    clock.now = NOW + 90.0
    assert refusal(tokens, token).message == "JWT expired"
    assert refusal(tokens, token).message == "JWT expired"
    assert not tokens._remembered
    assert tokens._remembered_bytes == 0


def test_a_failure_is_not_remembered_since_the_clock_may_make_it_good(
    tokens: AccessTokens, clock: Clock
) -> None:
    token = forge(claims={**CLAIMS, "nbf": NOW + 100})
    refusal(tokens, token)
    assert not tokens._remembered
    clock.now = NOW + 100
    assert tokens.verify(token).id == USER


def test_memory_is_bounded_by_entries_and_by_bytes_and_the_least_used_goes_first(
    tokens: AccessTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_module, "MAX_REMEMBERED", 3)
    minted = [tokens.mint(USER).encode() for _ in range(4)]
    first, second, *_ = (tokens.verify(token) for token in minted[:3])
    assert tokens.verify(minted[0]) is first
    tokens.verify(minted[3])
    assert tokens.verify(minted[0]) is first
    assert minted[1] not in tokens._remembered
    assert tokens.verify(minted[1]) is not second
    monkeypatch.setattr(tokens_module, "MAX_REMEMBERED_BYTES", 2 * len(minted[0]))
    tokens.verify(tokens.mint(USER))
    assert len(tokens._remembered) == 2
    assert tokens._remembered_bytes == sum(map(len, tokens._remembered)) <= 2 * len(minted[0])


LEGACY_HEADER = {"alg": "HS256", "typ": "JWT"}
LEGACY = {"iss": "backstay", "iat": NOW, "exp": NOW + 10**8}


def test_a_jwt_api_key_resolves_to_its_role_but_is_no_access_token(tokens: AccessTokens) -> None:
    anon = forge(LEGACY_HEADER, {**LEGACY, "role": "anon", "ref": "shop"})
    service = forge(LEGACY_HEADER, {**LEGACY, "role": "service_role"})
    assert tokens.resolve(anon) is ANONYMOUS
    assert tokens.resolve(service) is SERVICE
    assert refusal(tokens, anon).code == refusal(tokens, service).code == "PGRST303"


@pytest.mark.parametrize(
    "claims",
    [
        {**LEGACY},
        {**LEGACY, "role": "authenticated"},
        {**LEGACY, "role": "supabase_admin"},
        {**LEGACY, "role": ["service_role"]},
        {**LEGACY, "role": "service_role", "iss": "other"},
        {**LEGACY, "role": "service_role", "sub": str(USER)},
        {**LEGACY, "role": "service_role", "purpose": "reset"},
        {**LEGACY, "role": "service_role", "exp": NOW - 31},
        {"iss": "backstay", "role": "service_role"},
        {**CLAIMS},
    ],
    ids=json.dumps,
)
def test_another_token_does_not_pass_for_a_jwt_api_key(tokens: AccessTokens, claims: dict[str, Any]) -> None:
    with pytest.raises(BackstayError) as caught:
        tokens.resolve(forge(LEGACY_HEADER, claims))
    assert caught.value.code == "PGRST303"


def _der(pem: bytes) -> bytes:
    key = serialization.load_pem_public_key(pem)
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


PEM = RSA_PUBLIC_PEM.decode()
UNSAFE_SECRETS: list[tuple[str, str]] = [
    ("empty", ""),
    ("31 bytes", "x" * 31),
    ("PEM", PEM),
    ("PEM after spaces", " \n\t" + PEM),
    ("PEM with odd whitespace", PEM.replace("BEGIN PUBLIC", "BEGIN  \tPUBLIC")),
    ("PEM with a space after the dashes", PEM.replace("-----BEGIN", "----- BEGIN")),
    ("PEM with CR only", PEM.replace("\n", "\r")),
    ("PEM on one line", PEM.replace("\n", "")),
    ("private PEM", ECKey.generate_key("P-256").as_pem(private=True).decode()),
    ("PEM in base64", base64.b64encode(PEM.encode()).decode()),
    ("DER in base64", base64.b64encode(_der(RSA_PUBLIC_PEM)).decode()),
    ("DER in base64url", b64(_der(RSA_PUBLIC_PEM)).decode()),
    ("JWK", json.dumps(ATTACKER_JWK)),
    ("JWK with spaces", '  {\n "kty" : "oct", "k" : "' + "k" * 43 + '" }'),
    ("JWKS", json.dumps({"keys": [ATTACKER_JWK]})),
    ("SSH key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43),
]


@pytest.mark.parametrize(
    "secret", [text for _, text in UNSAFE_SECRETS], ids=[name for name, _ in UNSAFE_SECRETS]
)
def test_a_secret_that_is_short_or_a_key_file_is_refused_at_start_and_not_quoted(secret: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        AccessTokens(TokenSettings(secret=SecretStr(secret)))
    assert not secret or secret not in str(caught.value)


def test_without_any_key_nothing_starts() -> None:
    with pytest.raises(ConfigurationError):
        AccessTokens(TokenSettings())


def _short_rsa_key() -> RSAKey:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return RSAKey.generate_key(1024)


@pytest.mark.parametrize(
    ("algorithm", "make"),
    [
        ("none", lambda: OctKey.generate_key(256)),
        ("HS256", lambda: ECKey.generate_key("P-256")),
        ("HS512", lambda: OctKey.generate_key(256)),
        ("RS256", lambda: OctKey.generate_key(256)),
        ("RS256", _short_rsa_key),
        ("ES256", lambda: ECKey.generate_key("P-384")),
        ("ES256", lambda: ECKey.generate_key("P-256", parameters={"use": "enc"})),
        ("ES256", lambda: ECKey.generate_key("P-256", parameters={"alg": "ES384"})),
    ],
)
def test_a_key_that_does_not_fit_its_algorithm_is_refused(algorithm: str, make: Callable[[], Any]) -> None:
    with pytest.raises(ConfigurationError):
        TokenKey(algorithm, make())


def test_keys_rotate_by_kid_and_a_key_only_verifies_its_own_algorithm(clock: Clock) -> None:
    signing = TokenKey("ES256", ECKey.generate_key("P-256"))
    legacy = TokenKey.from_secret(SECRET.encode())
    before = AccessTokens(SETTINGS, clock)
    after = AccessTokens(SETTINGS, clock, keys={None: legacy, "2026-a": signing}, signing_kid="2026-a")
    minted = after.mint(USER)
    assert after.verify(minted).id == after.verify(before.mint(USER)).id == USER
    assert refusal(before, minted).code == "PGRST301"
    assert refusal(after, forge({**HEADER, "kid": "2026-a"})).code == "PGRST301"
    public_pem = signing.key.as_pem(private=False)  # type: ignore[union-attr]
    assert refusal(after, forge({**HEADER, "kid": "2026-a"}, secret=public_pem)).code == "PGRST301"
    retired = AccessTokens(SETTINGS, clock, keys={None: legacy})
    assert refusal(retired, minted).code == "PGRST301"


def test_two_services_with_one_secret_do_not_take_each_others_tokens(
    tokens: AccessTokens, clock: Clock
) -> None:
    other = AccessTokens(TokenSettings(secret=SecretStr(SECRET), audience="billing"), clock)
    assert refusal(other, tokens.mint(USER)).message == "JWT not in audience"
    assert refusal(tokens, other.mint(USER)).message == "JWT not in audience"


@pytest.mark.parametrize(
    "options",
    [
        {"roles": ["r"] * 101},
        {"roles": ["r" * 101]},
        {"roles": "admin"},
        {"permissions": [1]},
        {"aal": 3},
        {"user_metadata": {"bio": "x" * 9000}},
        {"user_metadata": {"bio": "\ud800"}},
        {"user_metadata": {"bio": float("nan")}},
        {"user_metadata": {"bio": object()}},
    ],
    ids=lambda options: next(iter(options)),
)
def test_what_would_be_refused_is_not_minted(tokens: AccessTokens, options: dict[str, Any]) -> None:
    with pytest.raises(BackstayError) as caught:
        tokens.mint(USER, **options)
    assert caught.value.code == "unprocessable"
