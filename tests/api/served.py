"""The application of the API tests in a process of its own, for tools that speak to a port.

`python -m tests.api.served URL PORT [TABLE…]`: serves those tables, or all of them and actions, until it is stopped.
The database at URL has its tables already.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn

from backstay.app import Backstay
from backstay.middleware.server import uvicorn_config
from tests.engines import free_port

ROOT = Path(__file__).parents[2]
START_SECONDS = 20.0


@contextmanager
def served(url: str, log: Path, tables: Sequence[str] = ()) -> Iterator[str]:
    """Serve those tables of that database, or all of them; yields the address of the server."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.api.served", url, str(port), *tables],
            stdout=output, stderr=subprocess.STDOUT, cwd=ROOT,
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process, log)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            httpx.get(f"{address}/health/live")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the application did not start:\n" + log.read_text())


def main() -> None:
    """Serve in this process."""
    from tests.api.harbour import settings_for
    from tests.api.models import MODELS
    from tests.api.services import SERVICES

    url, port, tables = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    models = [model for model in MODELS if not tables or model.__tablename__ in tables]
    settings = settings_for(url)
    # A client may ask that what it writes be undone.
    settings = settings.model_copy(update={"rest": settings.rest.model_copy(update={"tx_override": True})})
    # Actions are about tables that may not be served.
    services = [] if tables else SERVICES
    app = Backstay(settings=settings, models=models, services=services, project=Path("/"), title="harbour")
    http = settings.http.model_copy(update={"port": port})
    uvicorn.Server(uvicorn_config(app, http)).run()


if __name__ == "__main__":
    main()
