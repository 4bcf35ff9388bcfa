"""Who somebody is at GitHub, asked of a server that answers as GitHub does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from backstay.config.providers import ProviderSettings
from backstay.errors import BackstayError
from backstay.repositories.auth.providers import Exchange
from backstay.repositories.auth.providers.github import GithubProvider

EXCHANGE = Exchange("http://app.test/auth/v1/callback", "v" * 50, "nonce")
USER = {"id": 7, "login": "ann", "name": "Ann", "avatar_url": "https://pictures.test/ann", "email": None}
EMAILS = [
    {"email": "old@example.com", "primary": False, "verified": True},
    {"email": "ann@example.com", "primary": True, "verified": True},
]


class Github:
    """A server: `answers` by path, `asked` for the token."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            "/login/oauth/access_token": {"access_token": "theirs", "token_type": "bearer", "scope": ""},
            "/user": USER,
            "/user/emails": EMAILS,
        }
        self.asked: dict[str, list[str]] = {}
        github = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = self.headers["authorization"] == "Bearer theirs"
                self.answer(200 if known else 401, github.answers[self.path])

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                github.asked = parse_qs(body)
                self.answer(200, github.answers[self.path])

            def answer(self, status: int, document: Any) -> None:
                body = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def github() -> Iterator[Github]:
    github = Github()
    yield github
    github.close()


def provider(github: Github) -> GithubProvider:
    settings = ProviderSettings(client_id="client", client_secret=SecretStr("secret"))
    return GithubProvider(settings, github.address, github.address)


async def test_the_primary_address_is_the_users(github: Github) -> None:
    url = await provider(github).address("state", EXCHANGE, ("gist",), {"prompt": "select_account"})
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked["scope"] == "read:user user:email gist"
    assert (asked["code_challenge_method"], asked["prompt"]) == ("S256", "select_account")
    proven = await provider(github).identity("code", EXCHANGE)
    assert (proven.issuer, proven.subject) == ("https://github.com", "7")
    assert (proven.email, proven.email_verified) == ("ann@example.com", True)
    assert proven.claims["preferred_username"] == "ann"
    assert github.asked["code_verifier"] == ["v" * 50]
    assert github.asked["client_secret"] == ["secret"]


@pytest.mark.parametrize(
    ("path", "answer", "code"),
    [
        ("/login/oauth/access_token", {"error": "bad_verification_code"}, "bad_oauth_callback"),
        ("/login/oauth/access_token", b"<html>", "provider_unavailable"),
        ("/login/oauth/access_token", {"access_token": "another"}, "provider_unavailable"),
        ("/user", b"<html>", "provider_unavailable"),
        ("/user", b"[" * 200_000, "provider_unavailable"),
        ("/user", {"id": "7"}, "provider_unavailable"),
        ("/user/emails", b"", "provider_unavailable"),
        ("/user/emails", {"message": "Not Found"}, "provider_unavailable"),
    ],
)
async def test_garbage_is_nobody(github: Github, path: str, answer: Any, code: str) -> None:
    github.answers[path] = answer
    with pytest.raises(BackstayError) as refused:
        await provider(github).identity("code", EXCHANGE)
    assert refused.value.code == code


@pytest.mark.parametrize("emails", [[], [{"email": "ann@example.com", "primary": True, "verified": False}]])
async def test_an_address_that_nobody_proved_is_not_vouched_for(github: Github, emails: Any) -> None:
    github.answers["/user/emails"] = emails
    assert (await provider(github).identity("code", EXCHANGE)).email_verified is False
