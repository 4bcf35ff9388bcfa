"""Two processes of one application, asked in turn."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx

from tests.identity.served import COMMAND, SECRET_KEY, Served

PASSWORD = "correct horse battery staple"
AT_ONCE = 20
# What is promised is a second; the machine may be busy.
BOUND_SECONDS = 3.0


class Both:
    """The two processes, asked in turn."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.clients = [httpx.Client(base_url=address, timeout=30) for address in served.addresses]

    def call(
        self, process: int, method: str, path: str, body: Any = None, token: str | None = None
    ) -> httpx.Response:
        headers = {"X-Supabase-Api-Version": "2024-01-01"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.clients[process % 2].request(method, f"/auth/v1{path}", json=body, headers=headers)

    def admin(self, process: int, method: str, path: str, body: Any = None) -> httpx.Response:
        answer = self.call(process, method, path, body, SECRET_KEY)
        assert answer.status_code < 300, answer.text
        return answer

    def at_once(self, method: str, path: str, body: Any, token: str | None = None) -> list[httpx.Response]:
        """The same request twenty times, at both."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda n: self.call(n, method, path, body, token), range(AT_ONCE)))

    def backstay(self, *words: str) -> None:
        """A command of an operator, in a process of its own."""
        subprocess.run(
            [*COMMAND, *words],
            cwd=self.served.folder, env=self.served.environment, check=True, capture_output=True,
        )  # fmt: skip

    def session(self) -> dict[str, Any]:
        """A new user's."""
        email = f"two{uuid4().hex}@example.com"
        self.admin(0, "POST", "/admin/users", {"email": email, "password": PASSWORD, "email_confirm": True})
        answer = self.call(0, "POST", "/token?grant_type=password", {"email": email, "password": PASSWORD})
        session: dict[str, Any] = answer.json()
        session["email"] = email
        return session


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait for what has to be true within the bound."""
    end = time.monotonic() + BOUND_SECONDS
    while not holds():
        assert time.monotonic() < end, f"not within the bound: {what}"
        time.sleep(0.05)
