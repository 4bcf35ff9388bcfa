"""`backstay access`, within this process: what it prints, and what its exit code says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy.orm import Mapped, mapped_column
from typer.testing import CliRunner, Result

from backstay.app import Backstay
from backstay.cli import application
from backstay.config.database import DatabaseSettings
from backstay.config.log import LogSettings
from backstay.config.settings import Settings
from backstay.config.tokens import TokenSettings
from backstay.models.access.caller import SERVICE
from backstay.models.access.rules import Access
from backstay.models.access.terms import caller
from backstay.models.base import Model
from backstay.models.catalog_reading import read_catalog
from backstay.services.auth.users import Users
from backstay.services.context import Context

Run = Callable[..., Result]


class Buoy(Model):
    __tablename__ = "told_buoys"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    lit: Mapped[bool]


class BuoyAccess(Access, model=Buoy):
    read = Buoy.lit | caller.is_authenticated
    create = update = delete = caller.has_role("captain")


def application_in(folder: Path) -> Backstay:
    settings = Settings(
        data_folder=folder,
        database=DatabaseSettings(url=f"sqlite:///{folder}/app.db"),
        tokens=TokenSettings(secret=SecretStr("a secret for tests of commands, and for nothing else")),
        log=LogSettings(level="error"),
    )
    return Backstay(settings=settings, models=[Buoy], routers=[], project=folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose database has a user, and no table of its own."""
    folder = tmp_path_factory.mktemp("told")

    async def prepare() -> None:
        app = application_in(folder)
        await app.migrations.up()
        await Users(app.units).ensure(Context(), "alice@example.com")
        await app.identity.roles.put(Context(SERVICE), "pilot", ["buoys:light"])
        await app.sessions.close()

    asyncio.run(prepare())
    return folder


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in that project."""

    def invoke(*words: str) -> Result:
        monkeypatch.setattr("backstay.cli.explain.load_app", lambda project: application_in(folder))
        monkeypatch.setattr("backstay.cli.identity.load_app", lambda project: application_in(folder))
        monkeypatch.setattr("backstay.cli.matrix.enter", lambda project: None)
        monkeypatch.setattr("backstay.cli.matrix.catalog_of", lambda package: read_catalog([Buoy]))
        return CliRunner().invoke(application, ["access", *words])

    return invoke


def test_explain_says_by_its_exit_code_whether_it_is_allowed(run: Run) -> None:
    some = run("explain", "--as", "anonymous", "--table", "told_buoys")
    assert some.exit_code == 0
    assert "allowed for some rows: anonymous, read told_buoys\n  where told_buoys.lit\n" in some.stdout
    assert run("explain", "--role", "captain", "--table", "told_buoys", "--action", "create").exit_code == 0
    denied = run(
        "explain", "--as", "alice@example.com", "--table", "told_buoys", "--action", "create", "--json"
    )
    assert denied.exit_code == 1
    told = json.loads(denied.stdout)
    assert (told["verdict"], told["code"]) == ("denied", "42501")
    assert told["because"] == "create: caller.has_role('captain') does not hold"
    assert told["reads"] == {"caller.is_authenticated": "true", "caller.has_role('captain')": "false"}


@pytest.mark.parametrize(
    "words",
    [
        ("--as", "anonymous", "--table", "told_bouys"),
        ("--as", "anonymous", "--table", "told_buoys", "--column", "nmae"),
        ("--as", "anonymous", "--table", "told_buoys", "--role", "captain"),
        ("--as", "nobody@example.com", "--table", "told_buoys"),
        ("--as", "no such id", "--table", "told_buoys"),
        ("--as", "a@@b", "--table", "told_buoys"),
        ("--as", "anonymous", "--table", "told_buoys", "--action", "sink"),
        ("--table", "told_buoys"),
    ],
)
def test_words_that_mean_nothing_here_end_with_two(run: Run, words: tuple[str, ...]) -> None:
    told = run("explain", *words)
    assert told.exit_code == 2, told.stdout
    assert told.stdout == ""


def test_a_saved_matrix_is_compared_in_a_review(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = str(tmp_path / "access.json")
    assert run("matrix", "--save", saved).exit_code == 0
    same = run("matrix", "--diff", saved)
    assert same.exit_code == 0
    assert "nobody may more or less" in same.stdout
    monkeypatch.setattr(BuoyAccess, "read", True)
    changed = run("matrix", "--diff", saved, "--format", "markdown")
    assert changed.exit_code == 1
    assert changed.stdout.splitlines()[2:] == [
        "| opens | told_buoys | read | * | anonymous | told_buoys.lit | always |"
    ]
    assert json.loads(run("matrix", "--diff", saved, "--format", "json").stdout)[0]["effect"] == "opens"
    assert run("matrix", "--diff", saved, "--save", saved).exit_code == 1
    assert run("matrix", "--diff", saved).exit_code == 0
    Path(saved).write_text("{}")
    assert run("matrix", "--diff", saved).exit_code == 2


def test_the_matrix_is_printed_in_three_forms(run: Run) -> None:
    shown = run("matrix").stdout
    assert "role:captain" in shown
    assert "role:pilot" not in shown
    assert "role:pilot" in run("matrix", "--stored").stdout
    assert "told_buoys.lit" in shown
    lines = run("matrix", "--format", "markdown").stdout.splitlines()
    assert lines[0].startswith("| table | action | column | anonymous |")
    assert {line.count("|") for line in lines} == {lines[0].count("|")}
    told = json.loads(run("matrix", "--format", "json").stdout)
    assert told["tables"]["told_buoys"]["read"]["name"] == "*"
