"""A node that is told to stop while it is busy: it says so, goes on for a while, and loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import httpx
import pytest

from backstay.config.environment import Environment
from backstay.config.http import HttpSettings
from backstay.config.settings import Settings
from tests.engines import free_port

ROOT = Path(__file__).parents[3]
CONTROLLER = """
import asyncio
from fastapi import APIRouter

router = APIRouter()


@router.get("/slow")
async def slow(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds
"""


@contextmanager
def serving(folder: Path, *words: str, **variables: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """`backstay serve` in a project of its own, and its address."""
    controllers = folder / "backend" / "controllers"
    controllers.mkdir(parents=True)
    (folder / "backend" / "__init__.py").touch()
    (controllers / "__init__.py").touch()
    (controllers / "slow.py").write_text(CONTROLLER)
    (folder / "backend" / "app.py").write_text('from backstay import Backstay\n\napp = Backstay("backend")\n')
    command = [sys.executable, "-c", "from backstay.cli import main; main()"]
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BACKSTAY_")}
    environment = {**inherited, "PYTHONPATH": str(ROOT), **variables}
    subprocess.run([*command, "migrate", "up"], cwd=folder, env=environment, check=True, capture_output=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "serve", "--port", str(port), *words],
            cwd=folder, env=environment, stdout=log, stderr=log,
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address, 200)
        yield process, address
    finally:
        process.kill()
        process.wait()


def wait_for(address: str, status: int) -> httpx.Response:
    """The first answer of `/health/ready` with that status, asked on a new connection each time."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            answer = httpx.get(f"{address}/health/ready")
        except httpx.TransportError:
            time.sleep(0.05)
            continue
        if answer.status_code == status:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"/health/ready was never {status}")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_node_says_that_it_leaves_before_it_does_and_loses_no_request(tmp_path: Path, workers: str) -> None:
    turned_away = Event()

    def load(address: str) -> list[int]:
        statuses = []
        with httpx.Client(base_url=address) as client:
            while not turned_away.is_set():
                statuses.append(client.get("/slow?seconds=0.02").status_code)
        return statuses

    with (
        serving(tmp_path, "--workers", workers, BACKSTAY_HTTP__ANNOUNCE_SECONDS="2") as (process, address),
        ThreadPoolExecutor(5) as pool,
    ):
        loads = [pool.submit(load, address) for _ in range(4)]
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        refused = wait_for(address, 503)
        assert refused.json()["details"] == "Not ready: draining."
        assert httpx.get(f"{address}/slow?seconds=0").status_code == 200
        turned_away.set()
        last = pool.submit(httpx.get, f"{address}/slow?seconds=3")
        answered = [status for future in loads for status in future.result()]
        assert set(answered) == {200}
        assert last.result().status_code == 200
        assert process.wait(20) == 0
    log = (tmp_path / "log").read_text()
    assert log.count("path=/slow") == len(answered) + 2
    assert "Traceback" not in log


def test_a_second_signal_does_not_prolong_the_leave(tmp_path: Path) -> None:
    with serving(tmp_path, BACKSTAY_HTTP__ANNOUNCE_SECONDS="1") as (process, address):
        for _ in range(3):
            process.send_signal(signal.SIGTERM)
            wait_for(address, 503)
        assert process.wait(20) == 0


@pytest.mark.parametrize(
    ("environment", "given", "seconds"),
    [("development", None, 0), ("production", None, 5), ("production", 0, 0), ("development", 2, 2)],
)
def test_only_development_leaves_without_saying_so(
    environment: str, given: float | None, seconds: float
) -> None:
    settings = Settings(environment=Environment(environment), http=HttpSettings(announce_seconds=given))
    assert settings.announce_seconds == seconds
