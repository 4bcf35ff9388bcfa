"""Sign-in at providers: the real way, and every way in which a browser or a provider can lie."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pyotp
import pytest
from pydantic import SecretStr

from backstay import Backstay
from backstay.config.auth import AuthSettings
from backstay.config.database import DatabaseSettings
from backstay.config.providers import ProviderSettings, ProvidersSettings
from backstay.config.settings import Settings
from tests.api.identity.conftest import ORIGIN, PASSWORD, PASSWORDS, SECRET_KEY, TOKENS, World
from tests.api.identity.provider import CLIENT_ID, Liar, query, real_provider

SITE = "http://site.test"
VERIFIER = "v" * 64
COOKIE = "__Host-backstay-oauth"


@pytest.fixture(scope="module")
def lying() -> Iterator[Liar]:
    liar = Liar()
    yield liar
    liar.close()


@pytest.fixture
def liar(lying: Liar) -> Liar:
    lying.reset()
    return lying


@pytest.fixture
async def at(liar: Liar, migrated_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """The application, with the provider as `oidc` and, to have a second one, as `gitlab`."""
    async with world_at(liar.issuer, migrated_url, tmp_path) as world:
        yield world


@asynccontextmanager
async def world_at(issuer: str, migrated_url: str, folder: Path) -> AsyncIterator[World]:
    one = ProviderSettings(client_id=CLIENT_ID, client_secret=SecretStr("secret"), issuer=issuer)
    auth = AuthSettings(public_url=ORIGIN, site_url=SITE, providers=ProvidersSettings(oidc=one, gitlab=one))
    settings = Settings(
        tokens=TOKENS,
        passwords=PASSWORDS,
        database=DatabaseSettings(url=migrated_url),
        auth=auth,
        data_folder=folder,
    )
    app = Backstay(settings=settings, models=(), routers=(), project=folder)
    async with app.running():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            yield World(app, client)


async def depart(world: World, **values: str) -> tuple[str, str]:
    """The provider's address, and the cookie of the browser."""
    answer = await world.client.get("/auth/v1/authorize", params={"provider": "oidc", **values})
    assert answer.status_code == 303, answer.text
    world.client.cookies.clear()
    return answer.headers["location"], answer.headers["set-cookie"].partition(";")[0]


async def arrive(world: World, values: dict[str, str], cookie: str | None) -> httpx.Response:
    headers = {} if cookie is None else {"Cookie": cookie}
    answer = await world.client.get(f"/auth/v1/callback?{query(values)}", headers=headers)
    world.client.cookies.clear()
    return answer


async def sign_in(world: World, liar: Liar, **values: str) -> httpx.Response:
    url, cookie = await depart(world, **values)
    return await arrive(world, liar.consent(url), cookie)


def fragment(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 303, answer.text
    return {
        name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).fragment).items()
    }


async def account(world: World, token: str) -> dict[str, Any]:
    found: dict[str, Any] = (await world.call("GET", "/user", token=token)).json()
    return found


async def test_a_real_provider_signs_a_user_in(migrated_url: str, tmp_path: Path) -> None:
    with real_provider(tmp_path / "provider.log") as issuer:
        async with world_at(issuer, migrated_url, tmp_path) as world:
            claims = {"email": "ann@example.com", "email_verified": True, "name": "Ann"}
            await asyncio.to_thread(httpx.put, f"{issuer}/users/ann", json=claims)
            tokens = []
            for _ in range(2):
                url, cookie = await depart(world)
                agreed = await asyncio.to_thread(httpx.post, url, data={"sub": "ann"})
                assert agreed.status_code == 302, agreed.text
                values = {
                    name: found[0]
                    for name, found in parse_qs(urlsplit(agreed.headers["location"]).query).items()
                }
                tokens.append(fragment(await arrive(world, values, cookie))["access_token"])
                replayed = await arrive(world, values, cookie)
                assert (replayed.status_code, replayed.json()["error_code"]) == (400, "bad_oauth_state")
            first, second = [await account(world, token) for token in tokens]
            assert first["id"] == second["id"]
            assert first["email"] == "ann@example.com"
            assert first["app_metadata"] == {"provider": "oidc", "providers": ["oidc"]}


async def test_pkce_ends_with_a_code_for_the_client(at: World, liar: Liar) -> None:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    answer = await sign_in(at, liar, code_challenge=challenge, code_challenge_method="s256")
    location = urlsplit(answer.headers["location"])
    assert location.fragment == ""
    body = {"auth_code": parse_qs(location.query)["code"][0], "code_verifier": VERIFIER}
    session = await at.call("POST", "/token?grant_type=pkce", body)
    assert session.status_code == 200, session.text
    assert session.json()["user"]["email"] == "ann@example.com"


async def test_the_providers_tokens_go_nowhere(at: World, liar: Liar) -> None:
    answer = await sign_in(at, liar)
    values = fragment(answer)
    assert "theirs" not in answer.headers["location"]
    assert "provider_token" not in values


@pytest.mark.parametrize("lie", ["missing", "foreign", "other browser", "no browser", "replayed"])
async def test_a_state_is_good_once_and_for_its_browser(at: World, liar: Liar, lie: str) -> None:
    url, cookie = await depart(at)
    values = liar.consent(url)
    if lie == "missing":
        del values["state"]
    elif lie == "foreign":
        values["state"] = "A" * 43
    elif lie == "other browser":
        cookie = (await depart(at))[1]
    elif lie == "replayed":
        assert "access_token" in fragment(await arrive(at, values, cookie))
    answer = await arrive(at, values, None if lie == "no browser" else cookie)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "bad_oauth_state")
    assert "set-cookie" not in answer.headers


async def test_twenty_callbacks_with_one_state_sign_in_once(at: World, liar: Liar) -> None:
    url, cookie = await depart(at)
    values = liar.consent(url)
    answers = await asyncio.gather(*(arrive(at, values, cookie) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [303] + [400] * 19
    assert sum("access_token" in answer.headers.get("location", "") for answer in answers) == 1


@pytest.mark.parametrize(
    "lie",
    [
        {"claims": {"nonce": "another"}},
        {"claims": {"nonce": None}},
        {"claims": {"iss": "http://127.0.0.1:1"}},
        {"claims": {"iss": None}},
        {"claims": {"aud": "another"}},
        {"claims": {"aud": [CLIENT_ID, "another"]}},
        {"claims": {"aud": None}},
        {"claims": {"exp": 1}},
        {"claims": {"exp": "9999999999"}},
        {"claims": {"exp": None}},
        {"claims": {"iat": 9999999999}},
        {"claims": {"sub": None}},
        {"claims": {"sub": ""}},
        {"claims": {"sub": 7}},
        {"sign_with_other": True},
        {"header": {"kid": "unknown"}},
        {"forge": "a.b.c"},
        {"forge": "x" * 20_000},
        {"body": b"not json"},
        {"body": b"[]"},
        {"body": b"[" * 200_000},
        {"body": b'{"access_token": "x", "token_type": "Bearer"}'},
        {"body": b"{" + b'"a": 1,' * 100_000 + b'"b": 1}'},
    ],
)
async def test_a_provider_that_lies_signs_nobody_in(at: World, liar: Liar, lie: dict[str, Any]) -> None:
    for name, value in lie.items():
        setattr(liar, name, value)
    values = fragment(await sign_in(at, liar))
    assert values["error_code"] in ("bad_oauth_callback", "provider_unavailable")
    assert "access_token" not in values


async def test_an_unsigned_token_is_none(at: World, liar: Liar) -> None:
    url, cookie = await depart(at)
    nonce = parse_qs(urlsplit(url).query)["nonce"][0]
    payload = {
        "iss": liar.issuer,
        "sub": "ann",
        "aud": CLIENT_ID,
        "iat": 1,
        "exp": 9999999999,
        "nonce": nonce,
    }
    parts = [{"alg": "none"}, payload]
    liar.forge = (
        ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
        + "."
    )
    assert fragment(await arrive(at, liar.consent(url), cookie))["error_code"] == "bad_oauth_callback"


async def test_the_answer_has_to_come_from_whom_the_browser_was_sent_to(at: World, liar: Liar) -> None:
    url, cookie = await depart(at)
    values = {**liar.consent(url), "iss": "http://evil.test"}
    assert fragment(await arrive(at, values, cookie))["error_code"] == "bad_oauth_callback"
    url, cookie = await depart(at)
    values = {**liar.consent(url), "iss": liar.issuer}
    assert "access_token" in fragment(await arrive(at, values, cookie))


@pytest.mark.parametrize("verified", [True, False])
async def test_an_address_that_is_told_beside_the_token_counts_like_one_within(
    at: World, liar: Liar, verified: bool
) -> None:
    liar.claims = {"email": None, "email_verified": None, "name": None}
    liar.told = {
        "sub": "ann",
        "email": "ann@example.com",
        "email_verified": verified,
        "iss": "http://evil.test",
    }
    user = await account(at, fragment(await sign_in(at, liar))["access_token"])
    assert user["email"] == ("ann@example.com" if verified else "")
    assert user["identities"][0]["identity_data"]["email"] == "ann@example.com"


@pytest.mark.parametrize(
    "told", [{"email": "ann@example.com", "email_verified": True}, {"sub": "bob"}, [], "x"]
)
async def test_what_is_told_of_somebody_else_signs_nobody_in(at: World, liar: Liar, told: Any) -> None:
    liar.claims, liar.told = {"email": None}, told
    values = fragment(await sign_in(at, liar))
    assert values["error_code"] in ("bad_oauth_callback", "provider_unavailable")
    assert "access_token" not in values


async def test_what_a_provider_refuses_is_told_without_its_words(at: World, liar: Liar) -> None:
    url, cookie = await depart(at)
    state = liar.consent(url)["state"]
    answer = await arrive(at, {"state": state, "error": "<script>alert(1)</script>"}, cookie)
    assert "alert" not in answer.headers["location"]
    assert fragment(answer)["error"] == "access_denied"


@pytest.mark.parametrize("name", ["", "nobody", "google", "github"])
async def test_a_provider_that_is_not_switched_on_is_none(at: World, name: str) -> None:
    answer = await at.client.get("/auth/v1/authorize", params={"provider": name})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "oauth_provider_not_supported")


# The linking table of docs/decisions/0018-oauth-login.md: what the account is like, whether the provider vouches for
# the address, and whether the identity is known already; and which account somebody gets.
@pytest.mark.parametrize(
    ("local", "vouched", "known", "outcome"),
    [
        ("none", True, False, "new with address"),
        ("none", False, False, "new without address"),
        ("none", True, True, "same"),
        ("none", False, True, "same"),
        ("confirmed", True, False, "linked"),
        ("confirmed", False, False, "new without address"),
        ("confirmed", True, True, "same"),
        ("confirmed", False, True, "same"),
        ("unconfirmed", True, False, "taken over"),
        ("unconfirmed", False, False, "new without address"),
        ("unconfirmed", True, True, "same"),
        ("unconfirmed", False, True, "same"),
    ],
)
async def test_the_linking_table(
    at: World, liar: Liar, local: str, vouched: bool, known: bool, outcome: str
) -> None:
    first = None
    if known:
        liar.claims = {"email": "earlier@example.com"}
        first = await account(at, fragment(await sign_in(at, liar))["access_token"])
    owner = None
    if local == "confirmed":
        owner = (await at.user("ann@example.com"))["user"]
    elif local == "unconfirmed":
        owner = (await at.sign_up("ann@example.com")).json()
    liar.claims = {"email": "ann@example.com", "email_verified": vouched}
    got = await account(at, fragment(await sign_in(at, liar))["access_token"])
    if outcome == "same":
        assert first is not None
        assert got["id"] == first["id"]
        assert got["email"] == "earlier@example.com"
    elif outcome == "linked":
        assert owner is not None
        assert got["id"] == owner["id"]
        assert got["app_metadata"]["providers"] == ["email", "oidc"]
        assert (await at.sign_in("ann@example.com")).status_code == 200
    elif outcome == "taken over":
        assert owner is not None
        assert got["id"] == owner["id"]
        assert got["app_metadata"]["providers"] == ["oidc"]
        assert got["email_confirmed_at"]
        assert (await at.sign_in("ann@example.com")).json()["code"] == "invalid_credentials"
    else:
        assert owner is None or got["id"] != owner["id"]
        assert got["email"] == ("ann@example.com" if outcome == "new with address" else "")


async def test_an_identity_is_linked_and_unlinked_by_its_user(at: World, liar: Liar) -> None:
    session = await at.user("ann@example.com")
    token = session["access_token"]
    liar.claims = {"email": "work@example.org", "sub": "worker"}
    answer = await at.call(
        "GET", "/user/identities/authorize?provider=oidc&skip_http_redirect=true", token=token
    )
    cookie = answer.headers["set-cookie"].partition(";")[0]
    at.client.cookies.clear()
    back = fragment(await arrive(at, liar.consent(answer.json()["url"]), cookie))
    linked = await account(at, back["access_token"])
    assert linked["id"] == session["user"]["id"]
    other = next(one for one in linked["identities"] if one["provider"] == "oidc")
    bob = await at.user("bob@example.com")
    stolen = await at.call("DELETE", f"/user/identities/{other['identity_id']}", token=bob["access_token"])
    assert stolen.json()["code"] == "identity_not_found"
    gone = await at.call("DELETE", f"/user/identities/{other['identity_id']}", token=token)
    assert gone.status_code == 200
    only = (await account(at, token))["identities"][0]["identity_id"]
    refused = await at.call("DELETE", f"/user/identities/{only}", token=token)
    assert (refused.status_code, refused.json()["code"]) == (422, "single_identity_not_deletable")


async def leave_to_link(world: World, token: str) -> str:
    """The provider's address, for a client that will exchange a code."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    asked = {"provider": "oidc", "skip_http_redirect": "true"}
    asked |= {"code_challenge": challenge, "code_challenge_method": "s256"}
    answer = await world.call("GET", f"/user/identities/authorize?{urlencode(asked)}", token=token)
    world.client.cookies.clear()
    url: str = answer.json()["url"]
    return url


@pytest.mark.parametrize("change", ["nothing", "sign-out", "taken", "verifier"])
async def test_by_pkce_an_identity_is_linked_when_the_code_is_exchanged(
    at: World, liar: Liar, change: str
) -> None:
    """A browser that comes back without a cookie is nobody's: the client that began has the verifier."""
    session = await at.user("ann@example.com")
    token = session["access_token"]
    liar.claims = {"email": "work@example.org", "sub": "worker"}
    back = await arrive(at, liar.consent(await leave_to_link(at, token)), None)
    code = parse_qs(urlsplit(back.headers["location"]).query)["code"][0]
    assert len((await account(at, token))["identities"]) == 1
    if change == "sign-out":
        await at.call("POST", "/logout?scope=local", token=token)
    if change == "taken":
        assert "access_token" in fragment(await sign_in(at, liar))
    body = {"auth_code": code, "code_verifier": "w" * 64 if change == "verifier" else VERIFIER}
    answer = await at.call("POST", "/token?grant_type=pkce", body)
    found = (await at.call("GET", f"/admin/users/{session['user']['id']}", token=SECRET_KEY)).json()
    names = [one["provider"] for one in found["identities"]]
    if change == "nothing":
        assert answer.json()["user"]["id"] == session["user"]["id"]
        assert names == ["email", "oidc"]
    else:
        refusals = {
            "sign-out": (403, "session_not_found"),
            "taken": (422, "identity_already_exists"),
            "verifier": (400, "bad_code_verifier"),
        }
        assert (answer.status_code, answer.json()["code"]) == refusals[change]
        assert names == ["email"]
    again = await at.call("POST", "/token?grant_type=pkce", body | {"code_verifier": VERIFIER})
    assert (again.status_code, again.json()["code"]) == (404, "flow_state_not_found")


@pytest.mark.parametrize("change", ["sign-out", "factor"])
async def test_an_identity_is_linked_only_while_the_session_lives(at: World, liar: Liar, change: str) -> None:
    session = await at.user("ann@example.com")
    path, token = "/user/identities/authorize?provider=oidc&skip_http_redirect=true", session["access_token"]
    left = await at.call("GET", path, token=token)
    if change == "sign-out":
        assert (await at.call("POST", "/logout", token=token)).status_code == 204
    else:
        other = (await at.sign_in("ann@example.com")).json()["access_token"]
        factor = (await at.call("POST", "/factors", {"factor_type": "totp"}, other)).json()
        challenge = (await at.call("POST", f"/factors/{factor['id']}/challenge", {}, other)).json()
        body = {"challenge_id": challenge["id"], "code": pyotp.TOTP(factor["totp"]["secret"]).now()}
        assert (await at.call("POST", f"/factors/{factor['id']}/verify", body, other)).status_code == 200
    cookie = left.headers["set-cookie"].partition(";")[0]
    at.client.cookies.clear()
    back = fragment(await arrive(at, liar.consent(left.json()["url"]), cookie))
    assert back["error_code"] == "session_not_found"
    found = (await at.call("GET", f"/admin/users/{session['user']['id']}", token=SECRET_KEY)).json()
    assert [one["provider"] for one in found["identities"]] == ["email"]


async def test_a_device_links_an_identity_with_a_token_of_its_own(at: World, liar: Liar) -> None:
    session = await at.user("ann@example.com")
    liar.claims = {"email": "work@example.org", "sub": "worker"}
    body = {"provider": "oidc", "id_token": liar.token("nonce"), "nonce": "nonce", "link_identity": True}
    nobody = await at.call("POST", "/token?grant_type=id_token", body)
    assert (nobody.status_code, nobody.json()["code"]) == (401, "no_authorization")
    linked = await at.call("POST", "/token?grant_type=id_token", body, session["access_token"])
    assert linked.json()["user"]["id"] == session["user"]["id"]
    assert [one["provider"] for one in linked.json()["user"]["identities"]] == ["email", "oidc"]
    bob = await at.user("bob@example.com")
    taken = await at.call("POST", "/token?grant_type=id_token", body, bob["access_token"])
    assert (taken.status_code, taken.json()["code"]) == (422, "identity_already_exists")


async def test_who_has_a_factor_needs_it_to_link_an_identity(at: World, liar: Liar) -> None:
    token = (await at.user("ann@example.com"))["access_token"]
    factor = (await at.call("POST", "/factors", {"factor_type": "totp"}, token)).json()
    challenge = (await at.call("POST", f"/factors/{factor['id']}/challenge", {}, token)).json()
    proof = {"challenge_id": challenge["id"], "code": pyotp.TOTP(factor["totp"]["secret"]).now()}
    proven = (await at.call("POST", f"/factors/{factor['id']}/verify", proof, token)).json()["access_token"]
    weak = (await at.sign_in("ann@example.com")).json()["access_token"]
    path = "/user/identities/authorize?provider=oidc&skip_http_redirect=true"
    body = {"provider": "oidc", "id_token": liar.token("nonce"), "nonce": "nonce", "link_identity": True}
    for refused in (
        await at.call("GET", path, token=weak),
        await at.call("POST", "/token?grant_type=id_token", body, weak),
    ):
        assert (refused.status_code, refused.json()["code"]) == (422, "insufficient_aal")
        assert "set-cookie" not in refused.headers
    assert (await at.call("GET", path, token=proven)).status_code == 200


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({}, 403),
    ],
)
async def test_a_page_of_another_site_does_not_begin_a_link(
    at: World, said: dict[str, str], status: int
) -> None:
    await at.user("ann@example.com")
    body = {"email": "ann@example.com", "password": PASSWORD}
    signed = await at.client.post("/auth/v1/token?grant_type=password&session=cookie", json=body)
    cookie = signed.headers["set-cookie"].partition(";")[0]
    at.client.cookies.clear()
    answer = await at.client.get(
        "/auth/v1/user/identities/authorize?provider=oidc", headers={"Cookie": cookie, **said}
    )
    assert answer.status_code == status, answer.text
    assert ("set-cookie" in answer.headers) == (status == 303)


async def test_options_reach_the_provider_and_change_nothing_of_the_protocol(at: World) -> None:
    given = {"prompt": "consent", "login_hint": "ann@example.com", "url": "x"}
    evil = {"client_id": "evil", "state": "evil", "nonce": "evil", "redirect_uri": "evil", "scope": "evil"}
    evil |= {"response_type": "token", "response_mode": "query", "request": "evil", "request_uri": "evil"}
    asked = parse_qs(urlsplit((await depart(at, **given, **evil, scopes="extra"))[0]).query)
    assert {name: asked[name] for name in given} == {name: [value] for name, value in given.items()}
    assert "evil" not in str(asked)
    assert asked["scope"] == ["openid email profile extra"]
    assert asked["response_type"] == ["code"]
    assert not {"provider", "scopes", "response_mode"} & set(asked)


@pytest.mark.parametrize("beside", [{"kty": "AKP"}, {"kty": "EC", "crv": "new"}, {}, 7, None])
async def test_a_key_of_an_unknown_kind_is_no_reason_to_refuse_the_others(
    at: World, liar: Liar, beside: Any
) -> None:
    liar.beside = [beside]
    assert "access_token" in fragment(await sign_in(at, liar))


@pytest.mark.parametrize("address", ["http://provider.test/token", "javascript:alert(1)", "http://[", 7])
async def test_a_secret_goes_nowhere_but_to_secure_addresses(at: World, liar: Liar, address: Any) -> None:
    liar.metadata = {"token_endpoint": address}
    answer = await at.client.get("/auth/v1/authorize", params={"provider": "oidc"})
    assert (answer.status_code, answer.json()["error_code"]) == (503, "provider_unavailable")


async def test_a_profile_that_fits_into_no_token_is_left_out(at: World, liar: Liar) -> None:
    for email in ("ann@example.com", None):
        liar.claims = {"picture": "p" * 5000, "email": email, "sub": email or "nobody"}
        user = await account(at, fragment(await sign_in(at, liar))["access_token"])
        assert user["user_metadata"] == {}


async def test_an_identity_of_somebody_else_is_not_linked(at: World, liar: Liar) -> None:
    fragment(await sign_in(at, liar))
    bob = await at.user("bob@example.com")
    answer = await at.call(
        "GET", "/user/identities/authorize?provider=oidc&skip_http_redirect=true", token=bob["access_token"]
    )
    cookie = answer.headers["set-cookie"].partition(";")[0]
    at.client.cookies.clear()
    back = fragment(await arrive(at, liar.consent(answer.json()["url"]), cookie))
    assert back["error_code"] == "identity_already_exists"


async def test_a_banned_user_does_not_get_in_by_a_provider(at: World, liar: Liar) -> None:
    user = await account(at, fragment(await sign_in(at, liar))["access_token"])
    banned = await at.call("PUT", f"/admin/users/{user['id']}", {"ban_duration": "1h"}, SECRET_KEY)
    assert banned.status_code == 200
    assert fragment(await sign_in(at, liar))["error_code"] == "user_banned"


async def test_a_device_signs_in_with_a_token_of_its_own(at: World, liar: Liar) -> None:
    hashed = hashlib.sha256(b"nonce").hexdigest()
    body = {"provider": "oidc", "id_token": liar.token(hashed), "nonce": "nonce"}
    session = await at.call("POST", "/token?grant_type=id_token", body)
    assert session.json()["user"]["email"] == "ann@example.com"
    for wrong in ({**body, "nonce": "other"}, {**body, "nonce": None}, {**body, "id_token": "a.b.c"}):
        refused = await at.call("POST", "/token?grant_type=id_token", wrong)
        assert (refused.status_code, refused.json()["code"]) == (400, "bad_oauth_callback")


async def test_the_browsers_cookie_is_for_this_host_and_not_for_scripts(at: World) -> None:
    answer = await at.client.get("/auth/v1/authorize", params={"provider": "oidc"})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for part in ("Path=/", "Secure", "HttpOnly", "SameSite=Lax"):
        assert part in cookie
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert cookie.partition(";")[0].partition("=")[2] not in answer.headers["location"]


async def test_a_cookie_session_begins_at_a_provider(at: World, liar: Liar) -> None:
    answer = await sign_in(at, liar, session="cookie")
    assert answer.headers["location"] == SITE
    given = [value for name, value in answer.headers.multi_items() if name == "set-cookie"]
    assert any(value.startswith("__Host-backstay-session=") and "HttpOnly" in value for value in given)
