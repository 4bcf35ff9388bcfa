"""Contenders as they are deployed: each a server process of its own on 127.0.0.1, started and stopped here."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType

import psutil

from bench.data import AUDIENCE, BACKSTAY, HAND_WRITTEN, HELLO, ISSUER, POOL_SIZE, SECRET
from tests.engines import free_port

ROOT = Path(__file__).parent.parent
_MODULES = {BACKSTAY: "bench.atlas", HAND_WRITTEN: "bench.hand_written", HELLO: "bench.hello_world"}
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0


class Served:
    """One contender. As a context manager it runs for the block. `variables` go over its environment."""

    def __init__(
        self,
        name: str,
        folder: Path,
        database_url: str = "",
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.name = name
        self.port = free_port()
        self._folder = folder
        self._environment = {**_environment(name, self.port, database_url, folder), **variables}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the server process."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Served:
        # Logs go to a file, as they would in production; one line for each request.
        with self._log.open("wb") as log, self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", _MODULES[self.name]],
                stdin=subprocess.DEVNULL, stdout=log, stderr=errors, env=self._environment, cwd=ROOT,
            )  # fmt: skip
        self._wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def cpu_seconds(self) -> float:
        """Time on the processor so far, in the server and its children, user and kernel."""
        return cpu_seconds(self.pid)

    @property
    def _log(self) -> Path:
        return self._folder / f"{self.name}.log"

    @property
    def _errors(self) -> Path:
        return self._folder / f"{self.name}.err"

    def _wait(self) -> None:
        end = time.monotonic() + _START_SECONDS
        assert self._process is not None
        while time.monotonic() < end and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        self.__exit__(None, None, None)
        raise RuntimeError(f"{self.name} did not start:\n{self._errors.read_text()}{self._log.read_text()}")


def cpu_seconds(pid: int) -> float:
    """Time on the processor of a process and its descendants."""
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    return sum(sum(member.cpu_times()[:2]) for member in family)


def _environment(name: str, port: int, database_url: str, folder: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("BACKSTAY_", "BENCH_"))}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    if name != BACKSTAY:
        return {**kept, "BENCH_PORT": str(port), "BENCH_DATABASE": database_url}
    return {
        **kept,
        "BACKSTAY_ENVIRONMENT": "production",
        "BACKSTAY_DATA_FOLDER": str(folder),
        "BACKSTAY_HTTP__PORT": str(port),
        "BACKSTAY_DATABASE__URL": database_url,
        "BACKSTAY_DATABASE__POOL_SIZE": str(POOL_SIZE),
        "BACKSTAY_TOKENS__SECRET": SECRET,
        "BACKSTAY_TOKENS__ISSUER": ISSUER,
        "BACKSTAY_TOKENS__AUDIENCE": AUDIENCE,
    }
