"""Providers of OpenID Connect for tests: a real one in a process of its own, and one that lies on demand."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from joserfc import jws
from joserfc.jwk import ECKey

from tests.engines import free_port

CLIENT_ID = "backstay-tests"


@contextmanager
def real_provider(log: Path) -> Iterator[str]:
    """`oidc-provider-mock` in a process of its own; yields its issuer."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)],
            stdout=output, stderr=output,
        )  # fmt: skip
    issuer = f"http://localhost:{port}"
    try:
        end = time.monotonic() + 20
        while True:
            try:
                httpx.get(f"{issuer}/.well-known/openid-configuration")
                break
            except httpx.TransportError:
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.05)
        yield issuer
    finally:
        process.kill()
        process.wait()


class Liar:
    """A provider whose next ID token says whatever a test wants.

    Attributes:
        claims: over those of a good token; a value of None leaves the claim out.
        header: over that of a good token.
        forge: replaces the token altogether.
        beside: keys that are published beside the good one.
        told: what it tells of the person elsewhere than in the token.
        slow: seconds before it answers at its token endpoint.
    """

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "one"})
        self.other = ECKey.generate_key("P-256", {"kid": "one"})
        self.reset()
        liar = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                liar.answer_get(self)

            def do_POST(self) -> None:
                liar.answer_post(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def reset(self) -> None:
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.forge: str | None = None
        self.beside: list[Any] = []
        self.told: Any = None
        self.sign_with_other = False
        self.body: bytes | None = None
        self.slow = 0.0
        self.codes: dict[str, dict[str, str]] = {}
        self.used: list[str] = []

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def consent(self, url: str) -> dict[str, str]:
        """What a browser brings back after its user has agreed: the query of the callback."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = base64.urlsafe_b64encode(hashlib.sha256(url.encode()).digest()).decode()
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def answer_get(self, handler: BaseHTTPRequestHandler) -> None:
        if handler.path.startswith("/authorize?"):
            back = parse_qs(urlsplit(handler.path).query)["redirect_uri"][0]
            handler.send_response(302)
            handler.send_header("location", f"{back}?{query(self.consent(self.issuer + handler.path))}")
            handler.send_header("content-length", "0")
            handler.end_headers()
            return
        documents = {
            "/.well-known/openid-configuration": {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                **self.metadata,
            },
            "/keys": {"keys": [*self.beside, self.key.as_dict(private=False)]},
        }
        if self.told is not None:
            documents["/.well-known/openid-configuration"]["userinfo_endpoint"] = f"{self.issuer}/person"
            if handler.headers["authorization"] == "Bearer theirs":
                documents["/person"] = self.told
        document = documents.get(handler.path)
        self._send(handler, 200 if document else 404, json.dumps(document).encode())

    def answer_post(self, handler: BaseHTTPRequestHandler) -> None:
        time.sleep(self.slow)
        form = parse_qs(handler.rfile.read(int(handler.headers["content-length"])).decode())
        if self.body is not None:
            self._send(handler, 200, self.body)
            return
        asked = self.codes.pop(form["code"][0], None)
        if asked is None:
            self._send(handler, 400, b'{"error": "invalid_grant"}')
            return
        digest = hashlib.sha256(form["code_verifier"][0].encode()).digest()
        proven = base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"]
        if not proven or asked["code_challenge_method"] != "S256":
            self._send(handler, 400, b'{"error": "invalid_grant"}')
            return
        tokens = {"access_token": "theirs", "token_type": "Bearer", "id_token": self.token(asked["nonce"])}
        self._send(handler, 200, json.dumps(tokens).encode())

    def token(self, nonce: str | None) -> str:
        if self.forge is not None:
            return self.forge
        now = int(time.time())
        claims = {
            "iss": self.issuer, "sub": "ann", "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": nonce,
            "email": "ann@example.com", "email_verified": True, "name": "Ann", **self.claims,
        }  # fmt: skip
        kept = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "ES256", "kid": "one", **self.header}
        key = self.other if self.sign_with_other else self.key
        return jws.serialize_compact(header, json.dumps(kept), key, algorithms=["ES256"])

    def _send(self, handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        handler.send_response(status)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


def query(values: dict[str, str]) -> str:
    return urlencode(values)
