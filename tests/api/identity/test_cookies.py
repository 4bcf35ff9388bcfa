"""Sessions that a cookie carries, and requests that another site makes a browser send."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.identity.conftest import ORIGIN, PASSWORD, World

pytestmark = pytest.mark.auth(autoconfirm=True)
NAME = "__Host-backstay-session"


async def signed_in(world: World) -> tuple[str, str]:
    """Cookie and token of its pages."""
    answer = await world.call(
        "POST", "/signup?session=cookie", {"email": "ann@example.com", "password": PASSWORD}
    )
    assert answer.status_code == 200, answer.text
    return answer.headers["set-cookie"].partition(";")[0].partition("=")[2], answer.json()["csrf_token"]


async def as_browser(world: World, method: str, path: str, cookie: str, **headers: str) -> httpx.Response:
    world.client.cookies.clear()
    return await world.call(method, path, None, None, Cookie=f"{NAME}={cookie}", **headers)


async def test_the_cookie_is_for_this_host_and_not_for_scripts(world: World) -> None:
    answer = await world.call(
        "POST", "/signup?session=cookie", {"email": "ann@example.com", "password": PASSWORD}
    )
    name, _, attributes = answer.headers["set-cookie"].partition(";")
    assert name.startswith(f"{NAME}=")
    assert {part.strip() for part in attributes.split(";")} >= {
        "Path=/",
        "Secure",
        "HttpOnly",
        "SameSite=Lax",
    }
    assert "Domain" not in attributes
    assert "access_token" not in answer.text
    assert name.partition("=")[2] not in answer.text


async def test_a_cookie_reads_as_its_user(world: World) -> None:
    cookie, _ = await signed_in(world)
    me = await as_browser(world, "GET", "/user", cookie)
    assert me.json()["email"] == "ann@example.com"
    assert "Cookie" in me.headers["vary"]
    assert (await as_browser(world, "GET", "/user", cookie[:-2] + "AA")).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Origin": "http://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": f"{ORIGIN}.evil.test"}, 403),
        ({"X_CSRF_Token": "0" * 64}, 403),
        ({"X_CSRF_Token": "", "Sec_Fetch_Site": "same-origin"}, 403),
        ({"Sec_Fetch_Site": "same-origin"}, 204),
        ({"Origin": ORIGIN}, 204),
    ],
)
async def test_an_unsafe_request_proves_its_page(world: World, headers: dict[str, str], status: int) -> None:
    cookie, _ = await signed_in(world)
    answer = await as_browser(world, "POST", "/logout?scope=local", cookie, **headers)
    assert answer.status_code == status, answer.text
    if status == 403:
        assert answer.json()["code"] == "bad_csrf_token"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/rest/v1/$batch", {"operations": [{"method": "GET", "path": "nothing"}]}, 404),
        ("/rest/v1/rpc/nothing", {}, 404),
        ("/rest/v1/nothing/query", {}, 415),
        ("/functions/v1/nothing", {}, 404),
        ("/graphql/v1", {"query": "{ __typename }"}, 200),
    ],
)
async def test_every_door_that_writes_wants_the_proof(
    world: World, path: str, body: Any, status: int
) -> None:
    cookie, _ = await signed_in(world)
    world.client.cookies.clear()
    for headers, expected in (
        ({}, 403),
        ({"Origin": "http://evil.test"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Origin": ORIGIN}, status),
    ):
        answer = await world.call("POST", path, body, None, Cookie=f"{NAME}={cookie}", **headers)
        assert answer.status_code == expected, answer.text
        assert ("bad_csrf_token" in answer.text) is (expected == 403)


async def test_without_a_word_from_the_browser_the_token_proves_the_page(world: World) -> None:
    cookie, token = await signed_in(world)
    assert (await as_browser(world, "GET", "/csrf", cookie)).json()["csrf_token"] == token
    from_elsewhere = await as_browser(
        world, "POST", "/logout", cookie, X_CSRF_Token=token, Origin="http://evil.test"
    )
    assert from_elsewhere.status_code == 403
    answer = await as_browser(world, "POST", "/logout", cookie, X_CSRF_Token=token)
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert (await as_browser(world, "GET", "/user", cookie)).status_code == 401


async def test_another_site_cannot_sign_a_browser_in(world: World) -> None:
    await signed_in(world)
    for asked in ("session=cookie", "session=%63ookie", "ses%73ion=cookie"):
        for headers in ({"Origin": "http://evil.test"}, {"Sec_Fetch_Site": "cross-site"}):
            answer = await world.call(
                "POST",
                f"/token?grant_type=password&{asked}",
                {"email": "ann@example.com", "password": PASSWORD},
                None,
                **headers,
            )
            assert answer.status_code == 403, asked
            assert "set-cookie" not in answer.headers


async def test_another_site_cannot_make_a_browser_link_an_identity(world: World) -> None:
    cookie, token = await signed_in(world)
    path = "/user/identities/authorize?provider=nobody"
    for headers in ({}, {"Sec_Fetch_Site": "cross-site"}, {"Origin": "http://evil.test"}):
        answer = await as_browser(world, "GET", path, cookie, **headers)
        assert answer.json()["code"] == "bad_csrf_token"
    for headers in ({"Sec_Fetch_Site": "same-origin"}, {"X_CSRF_Token": token}):
        answer = await as_browser(world, "GET", path, cookie, **headers)
        assert answer.json()["code"] == "oauth_provider_not_supported"


async def test_each_sign_in_has_a_cookie_of_its_own(world: World) -> None:
    first, _ = await signed_in(world)
    again = await world.call(
        "POST",
        "/token?grant_type=password&session=cookie",
        {"email": "ann@example.com", "password": PASSWORD},
    )
    assert first not in again.headers["set-cookie"]


async def test_a_new_cookie_ends_the_session_of_the_one_it_replaces(world: World) -> None:
    first, _ = await signed_in(world)
    body = {"email": "ann@example.com", "password": PASSWORD}
    path = "/token?grant_type=password&session=cookie"
    world.client.cookies.clear()
    elsewhere = (await world.call("POST", path, body)).headers["set-cookie"]
    second = elsewhere.partition(";")[0].partition("=")[2]
    for forged in (f"{first[:-2]}AA", "x", second + "A"):
        world.client.cookies.clear()
        answer = await world.call("POST", path, body, Cookie=f"{NAME}={forged}", Sec_Fetch_Site="same-origin")
        assert answer.status_code == 200
        assert (await as_browser(world, "GET", "/user", first)).status_code == 200
    world.client.cookies.clear()
    again = await world.call("POST", path, body, Cookie=f"{NAME}={first}", Sec_Fetch_Site="same-origin")
    third = again.headers["set-cookie"].partition(";")[0].partition("=")[2]
    found = [
        (await as_browser(world, "GET", "/user", cookie)).status_code for cookie in (first, second, third)
    ]
    assert found == [401, 200, 200]


async def test_another_site_cannot_make_a_browser_send_its_user_a_mail(world: World) -> None:
    cookie, _ = await signed_in(world)
    for method in ("GET", "HEAD"):
        answer = await as_browser(world, method, "/reauthenticate", cookie, Sec_Fetch_Site="cross-site")
        assert answer.status_code == 403
    assert await world.mails("ann@example.com") == []
    asked = await as_browser(world, "GET", "/reauthenticate", cookie, Sec_Fetch_Site="same-origin")
    assert asked.status_code == 200
    assert len(await world.mails("ann@example.com")) == 1


async def test_a_bearer_counts_and_its_cookie_does_not(world: World) -> None:
    cookie, _ = await signed_in(world)
    bob = (await world.sign_up("bob@example.com")).json()
    world.client.cookies.clear()
    me = await world.call("GET", "/user", None, bob["access_token"], Cookie=f"{NAME}={cookie}")
    assert me.json()["email"] == "bob@example.com"
    forged = await world.call("GET", "/user", None, "a.b.c", Cookie=f"{NAME}={cookie}")
    assert forged.status_code == 403


async def test_a_cookie_sent_twice_is_nobodys(world: World) -> None:
    cookie, _ = await signed_in(world)
    answer = await as_browser(world, "GET", "/user", f"{cookie}; {NAME}={cookie}")
    assert answer.status_code == 401
