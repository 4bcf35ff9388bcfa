"""Planted faults are named on both engines, and what doctor writes against them leaves it nothing to say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column
from typer.testing import CliRunner, Result

from backstay.app import Backstay
from backstay.cli import application
from backstay.config.database import DatabaseSettings
from backstay.config.log import LogSettings
from backstay.config.settings import Settings
from backstay.config.tokens import TokenSettings
from backstay.errors import ConfigurationError
from backstay.models.access.finding import Diagnosis
from backstay.models.access.rules import Access
from backstay.models.access.terms import caller
from backstay.models.base import Model
from backstay.repositories.database import ResultRow, Statement


class Yard(Model):
    __tablename__ = "examined_yards"
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(20), unique=True)


class Hull(Model):
    __tablename__ = "examined_hulls"
    __table_args__ = (Index("hull_by_name", "name"), Index("hull_by_name_again", "name"))
    id: Mapped[int] = mapped_column(primary_key=True)
    yard_id: Mapped[int] = mapped_column(ForeignKey("examined_yards.id"))
    name: Mapped[str] = mapped_column(String(20))


class Plank(Model):
    __tablename__ = "examined_planks"
    id: Mapped[int] = mapped_column(primary_key=True)


class YardAccess(Access, model=Yard):
    read = True
    update = Yard.tenant == caller.claim("tenant")


class HullAccess(Access, model=Hull):
    read = True


TABLES = """
import sqlalchemy as sa
from alembic import op

revision = "faults"
down_revision = None


def upgrade():
    op.create_table(
        "examined_yards",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("tenant", sa.String(20), nullable=False),
        sa.Column("name", sa.String(20), nullable=False),
        sa.UniqueConstraint("name", name="examined_yards_name_key"),
    )
    op.create_table(
        "examined_hulls",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("yard_id", sa.BigInteger(), sa.ForeignKey("examined_yards.id"), nullable=False),
        sa.Column("name", sa.String(20), nullable=False),
    )
    op.create_index("hull_by_name", "examined_hulls", ["name"])
    op.create_index("hull_by_name_again", "examined_hulls", ["name"])
    op.create_table("examined_planks", sa.Column("id", sa.BigInteger(), primary_key=True))


def downgrade():
    for name in ("examined_planks", "examined_hulls", "examined_yards"):
        op.drop_table(name)
"""

FAULTS = {
    ("table_without_rules", "examined_planks", ()),
    ("index_missing_foreign_key", "examined_hulls", ("yard_id",)),
    ("index_missing_rule", "examined_yards", ("tenant",)),
    ("index_duplicate", "examined_hulls", ("name",)),
}
WITHOUT_A_MIGRATION = {("table_without_rules", "examined_planks", ())}


def application_of(database_url: str, project: Path) -> Backstay:
    """An application with one fault of each kind."""
    settings = Settings(
        data_folder=project,
        database=DatabaseSettings(url=database_url),
        tokens=TokenSettings(secret=SecretStr("a secret for tests of doctor, and for nothing else")),
        log=LogSettings(level="error"),
    )
    return Backstay(settings=settings, models=[Yard, Hull, Plank], routers=[], project=project)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "faults.py").write_text(TABLES)
    return tmp_path


@pytest.fixture
async def app(database_url: str, project: Path) -> AsyncIterator[Backstay]:
    """The application, with its database open and empty."""
    app = application_of(database_url, project)
    await app.database.open()
    yield app
    await app.database.close()


async def examine(app: Backstay) -> Diagnosis:
    status = await app.migrations.status()
    return await app.doctor.examine(step.title for step in status.pending)


async def run(app: Backstay, *statements: str) -> None:
    def program() -> Generator[Statement, list[ResultRow], None]:
        for statement in statements:
            yield Statement(statement)

    await app.database.write(program)


def warned(diagnosis: Diagnosis) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(each.code, each.table, each.columns) for each in diagnosis.warnings}


async def test_each_planted_fault_is_named_and_its_migration_mends_it(app: Backstay) -> None:
    before = await examine(app)
    assert {each.code for each in before.warnings} == {
        "migrations_pending", "table_missing", "table_without_rules",
    }  # fmt: skip
    await app.migrations.up()
    found = await examine(app)
    assert warned(found) == FAULTS
    assert [note for note in found.notes if "SQLite" in note] == (
        found.notes[:1] and list(found.notes) if app.database.engine == "sqlite" else []
    )

    fixes = [each.fix for each in found.warnings if each.fix is not None]
    up = [line for fix in fixes for line in fix.upgrade]
    down = [line for fix in fixes for line in fix.downgrade]
    assert all("postgresql_concurrently=True" in line for line in up)
    await app.migrations.write("what doctor found", up, down)
    with pytest.raises(ConfigurationError, match="backstay migrate up"):
        await app.migrations.write("again", up, down)
    assert warned(await examine(app)) - FAULTS == {("migrations_pending", "", ())}
    await app.migrations.up()
    assert warned(await examine(app)) == WITHOUT_A_MIGRATION
    await app.migrations.down(1)
    assert warned(await examine(app)) == FAULTS | {("migrations_pending", "", ())}


async def test_an_index_left_half_made_is_named_and_made_again(app: Backstay) -> None:
    if app.database.engine == "sqlite":
        pytest.skip("SQLite makes an index or does not")
    await app.migrations.up()
    await run(
        app,
        "CREATE INDEX ix_examined_hulls_yard_id ON examined_hulls (yard_id)",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_examined_hulls_yard_id'::regclass",
    )
    found = await examine(app)
    (invalid,) = [each for each in found.warnings if each.code == "index_invalid"]
    assert "index_missing_foreign_key" not in {each.code for each in found.warnings}
    assert invalid.fix is not None
    await app.migrations.write("again", invalid.fix.upgrade, invalid.fix.downgrade)
    await app.migrations.up()
    assert warned(await examine(app)) == FAULTS - {
        ("index_missing_foreign_key", "examined_hulls", ("yard_id",))
    }


async def test_indexes_are_read_with_all_that_tells_them_apart(app: Backstay) -> None:
    """None of these is the same as another, or does what a plain index does."""
    await app.migrations.up()
    await run(
        app,
        "CREATE INDEX upper_name ON examined_hulls (upper(name))",
        "CREATE INDEX lower_name ON examined_hulls (lower(name))",
        "CREATE INDEX some_names ON examined_hulls (name) WHERE name > 'a'",
        "CREATE INDEX names_down ON examined_hulls (name DESC)",
        "CREATE INDEX some_yards ON examined_hulls (yard_id) WHERE name > 'a'",
        "DROP INDEX hull_by_name_again",
    )
    found = await examine(app)
    assert "index_duplicate" not in {each.code for each in found.findings}
    assert ("index_missing_foreign_key", "examined_hulls", ("yard_id",)) in warned(found)
    await run(app, "CREATE INDEX yards_and_names ON examined_hulls (yard_id, name)")
    assert "index_missing_foreign_key" not in {each.code for each in (await examine(app)).warnings}
    await run(app, "CREATE INDEX yards ON examined_hulls (yard_id)")
    (redundant,) = [each for each in (await examine(app)).findings if each.code == "index_redundant"]
    assert redundant.columns == ("yard_id",)
    assert redundant.level == "info"


def test_the_command_prints_writes_and_counts(
    database_url: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def doctor(*words: str) -> Result:
        app = application_of(database_url, project)
        monkeypatch.setattr("backstay.cli.doctor.load_app", lambda folder: app)
        return CliRunner().invoke(application, ["doctor", *words])

    asyncio.run(application_of(database_url, project).migrations.up())
    shown = doctor("--json")
    assert shown.exit_code == 1
    content = json.loads(shown.stdout)
    codes = {(each["code"], each["table"], tuple(each["columns"])) for each in content["findings"]}
    assert codes >= FAULTS
    assert content["migration"] is None
    written = doctor("--write-migration")
    assert written.exit_code == 1
    assert "wrote " in written.stdout
    assert (
        'op.create_index(op.f("ix_examined_hulls_yard_id"), "examined_hulls", ["yard_id"]' in written.stdout
    )
    assert "Hull.yard_id: mapped_column(…, index=True)" in written.stdout
    assert len(list((project / "migrations" / "versions").glob("*.py"))) == 2
    again = doctor("--write-migration")
    assert again.exit_code == 1
    assert "no migration was written" in again.stdout
    assert "backstay migrate up, and ask again" in again.stdout
    assert len(list((project / "migrations" / "versions").glob("*.py"))) == 2
