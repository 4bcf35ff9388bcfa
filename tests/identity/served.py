"""An application in processes of its own: `backstay serve` in a small project, as its users run it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import SMTPUTF8
from pathlib import Path

import httpx

from tests.engines import free_port

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-c", "from backstay.cli import main; main()")
PUBLISHABLE_KEY = "sb_publishable_served_identity_tests_00"
SECRET_KEY = "sb_secret_served_identity_tests_000000000"
START_SECONDS = 30.0

MODELS = '''"""A table for owners, two for editors, one for those who have proven a second factor."""

from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from backstay import Access, Model, User, caller


class Note(Model):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey(User.id), default=caller.id, index=True)
    text: Mapped[str]


class NoteAccess(Access, model=Note):
    read = create = update = delete = Note.owner_id == caller.id


class Article(Model):
    __tablename__ = "articles"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


class ArticleAccess(Access, model=Article):
    read = True
    create = update = delete = caller.has_role("editor")


class Draft(Model):
    __tablename__ = "drafts"
    id: Mapped[int] = mapped_column(primary_key=True)


class DraftAccess(Access, model=Draft):
    read = caller.has_role("editor")


class Secret(Model):
    __tablename__ = "secrets"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


class SecretAccess(Access, model=Secret):
    read = create = caller.aal2
'''


@dataclass(frozen=True)
class Served:
    """A running application.

    Attributes:
        addresses: one for each of its processes that has a port of its own.
        read: mails whose codes were taken.
    """

    addresses: tuple[str, ...]
    data: Path
    logs: tuple[Path, ...]
    folder: Path
    environment: dict[str, str] = field(repr=False)
    running: list[subprocess.Popen[bytes]] = field(repr=False)
    read: set[Path] = field(default_factory=set, repr=False)

    @property
    def address(self) -> str:
        return self.addresses[0]

    @property
    def mails(self) -> Path:
        return self.data / "mails"

    def code(self, email: str) -> str:
        """The code in the newest mail to an address, once there is one that was not read before."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            for file in sorted(set(self.mails.glob("*.eml")) - self.read, reverse=True):
                message = message_from_bytes(file.read_bytes(), policy=SMTPUTF8)
                body = message.get_body(("plain",))
                found = re.search(r"\b([0-9]{8})\b", body.get_content()) if body is not None else None
                if message["To"] == email and found is not None:
                    self.read.add(file)
                    return found[1]
            time.sleep(0.05)
        raise AssertionError(f"no mail to {email}")


@contextmanager
def serving(folder: Path, database_url: str, *, processes: int = 1, **variables: str) -> Iterator[Served]:
    """The application on that many processes, each with its own port, on one database."""
    models = folder / "backend" / "models"
    models.mkdir(parents=True)
    for package in (folder / "backend", models):
        (package / "__init__.py").touch()
    (models / "notes.py").write_text(MODELS)
    (folder / "backend" / "app.py").write_text('from backstay import Backstay\n\napp = Backstay("backend")\n')
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BACKSTAY_")}
    ports = [free_port() for _ in range(processes)]
    environment = {
        **inherited,
        "PYTHONPATH": str(ROOT),
        "BACKSTAY_DATABASE__URL": database_url,
        "BACKSTAY_TOKENS__SECRET": "served identity tests need a secret of 32 bytes",
        "BACKSTAY_TOKENS__PUBLISHABLE_KEY": PUBLISHABLE_KEY,
        "BACKSTAY_TOKENS__SECRET_KEY": SECRET_KEY,
        "BACKSTAY_AUTH__ANONYMOUS": "true",
        "BACKSTAY_AUTH__PUBLIC_URL": f"http://127.0.0.1:{ports[0]}",
        "BACKSTAY_AUTH__THROTTLE_FACTOR": "100",
        **variables,
    }
    for step in (("migrate", "up"), ("migrate", "make", "-m", "tables"), ("migrate", "up")):
        subprocess.run([*COMMAND, *step], cwd=folder, env=environment, check=True, capture_output=True)
    with _started(folder, environment, ports) as application:
        yield application


@contextmanager
def again(served: Served) -> Iterator[Served]:
    """The same application after `kill -9`, on ports of its own."""
    for process in served.running:
        process.kill()
        process.wait()
    ports = [free_port() for _ in served.addresses]
    with _started(served.folder, served.environment, ports) as application:
        yield application


@contextmanager
def _started(folder: Path, environment: dict[str, str], ports: list[int]) -> Iterator[Served]:
    logs = tuple(folder / f"log{port}" for port in ports)
    running: list[subprocess.Popen[bytes]] = []
    try:
        for port, log in zip(ports, logs, strict=True):
            with log.open("wb") as output:
                running.append(
                    subprocess.Popen(
                        [*COMMAND, "serve", "--port", str(port)],
                        cwd=folder, env=environment, stdout=output, stderr=output,
                    )
                )  # fmt: skip
        addresses = tuple(f"http://127.0.0.1:{port}" for port in ports)
        for address, log in zip(addresses, logs, strict=True):
            _wait(address, log)
        yield Served(addresses, folder / ".data", logs, folder, environment, running)
    finally:
        for process in running:
            process.kill()
        for process in running:
            process.wait()


def _wait(address: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            if httpx.get(f"{address}/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError("the application did not start:\n" + log.read_text()[-3000:])
