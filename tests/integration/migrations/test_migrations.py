"""Migrations on both engines: made once, applied anywhere, undone, and safe when several nodes apply them."""

from __future__ import annotations

import asyncio
import datetime as dt
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    Enum,
    ForeignKey,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, registry

from backstay.errors import BackstayError, ConfigurationError
from backstay.models.auth import TABLES
from backstay.models.auth.user import User
from backstay.models.base import NAMING, Model
from backstay.models.types import portable
from backstay.repositories.migrations import Migrations, Step
from backstay.repositories.migrations.chains import platform_chain
from backstay.repositories.migrations.connections import with_connection

Declare = Callable[[MetaData], None]

PLATFORM_STEPS = len(platform_chain().in_order)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "project"


@pytest.fixture
def ships() -> Iterator[type[Model]]:
    """A model with a column of every kind, gone again after the test."""

    class Ship(Model):
        __tablename__ = "migrated_ships"

        id: Mapped[UUID] = mapped_column(primary_key=True)
        owner_id: Mapped[UUID] = mapped_column(ForeignKey(User.id), index=True)
        name: Mapped[str] = mapped_column(String(20), unique=True)
        note: Mapped[str | None]
        cost: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
        masts: Mapped[int] = mapped_column(CheckConstraint("masts > 0", name="masts_positive"))
        length: Mapped[float]
        afloat: Mapped[bool] = mapped_column(server_default=text("true"))
        flag: Mapped[bytes | None]
        launched: Mapped[dt.date | None]
        watch: Mapped[dt.time | None]
        seen_at: Mapped[dt.datetime]
        local_at: Mapped[dt.datetime] = mapped_column(DateTime())
        papers: Mapped[dict[str, Any]]
        plans: Mapped[dict[str, Any]] = mapped_column(JSONB)
        ports: Mapped[list[str]] = mapped_column(ARRAY(String))
        tides: Mapped[list[Decimal]] = mapped_column(ARRAY(Numeric(5, 1)))
        rig: Mapped[str] = mapped_column(Enum("sloop", "ketch", name="rig"))
        old_rig: Mapped[str | None] = mapped_column(Enum("sloop", "ketch", name="rig"))

    yield Ship
    Model.metadata.remove(Ship.__table__)  # type: ignore[arg-type]  # always a Table here
    registry_of: registry = Model.registry
    registry_of._dispose_cls(Ship)


def metadata_with(declare: Declare) -> MetaData:
    """The platform's tables and those that `declare` adds."""
    metadata = MetaData(naming_convention=NAMING)
    for model in TABLES:
        model.__table__.to_metadata(metadata)  # type: ignore[attr-defined]  # always a Table here
    declare(metadata)
    return metadata


def crew(metadata: MetaData, *more: Column[Any]) -> None:
    boats = Table("boats", metadata, Column("id", Integer, primary_key=True), *more)
    Table(
        "crew",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("boat_id", ForeignKey(boats.c.id, ondelete="CASCADE")),
    )


async def run(url: str, *statements: str) -> list[Any]:
    def work(connection: Connection) -> list[Any]:
        found: list[Any] = []
        for statement in statements:
            result = connection.execute(text(statement))
            found = list(result) if result.returns_rows else []
        connection.execute(text("COMMIT"))
        return found

    return await with_connection(url, work)


async def test_one_file_made_on_sqlite_gives_both_engines_exactly_the_models(
    project: Path, tmp_path: Path, database_url: str, ships: type[Model]
) -> None:
    first = Migrations(f"sqlite:///{tmp_path}/first.db", Model.metadata, project)
    await first.up()
    assert await first.make("ships") is not None
    other = Migrations(database_url, Model.metadata, project)
    steps = await other.up()
    assert [step.chain for step in steps] == [*["platform"] * PLATFORM_STEPS, "project"]
    assert steps[-1].title == "ships"
    assert await other.differences() == []
    assert await other.make("nothing") is None


async def test_one_file_made_on_either_engine_runs_down_and_up_again(
    project: Path, database_url: str, ships: type[Model]
) -> None:
    migrations = Migrations(database_url, Model.metadata, project)
    await migrations.up()
    await migrations.make("ships")
    for _ in range(2):
        assert [step.chain for step in await migrations.up()] != []
        undone = await migrations.down(None)
        assert [step.chain for step in undone] == ["project", *["platform"] * PLATFORM_STEPS]
    assert (await migrations.status()).applied == ()


async def test_platform_migrations_say_what_the_platform_models_say(database_url: str, project: Path) -> None:
    migrations = Migrations(database_url, metadata_with(lambda metadata: None), project)
    await migrations.up()
    assert await migrations.differences() == []


async def test_a_check_of_a_column_is_enforced_after_migrating(project: Path, database_url: str) -> None:
    def declare(metadata: MetaData) -> None:
        crew(metadata, Column("masts", Integer, CheckConstraint("masts > 0", name="positive")))

    migrations = Migrations(database_url, metadata_with(declare), project)
    await migrations.up()
    await migrations.make("boats")
    await migrations.up()
    with pytest.raises(Exception, match=r"boats_positive_check|CHECK constraint"):
        await run(database_url, "INSERT INTO boats (id, masts) VALUES (1, 0)")


async def test_rebuilding_a_table_on_sqlite_keeps_children_checks_and_collations(
    project: Path, tmp_path: Path
) -> None:
    """SQLite rebuilds a table to change a column, which must not cascade, nor forget what Alembic cannot see."""
    url = f"sqlite:///{tmp_path}/app.db"

    def declare_with(metadata: MetaData, *, nullable: bool) -> None:
        positive = CheckConstraint("masts > 0", name="positive")
        crew(
            metadata,
            Column("price", portable(Numeric(8, 2))),
            Column("masts", Integer, positive),
            Column("name", String(9), nullable=nullable),
        )

    before = partial(declare_with, nullable=True)
    after = partial(declare_with, nullable=False)

    for declare in (before, after):
        migrations = Migrations(url, metadata_with(declare), project)
        await migrations.up()
        await migrations.make("boats")
        await migrations.up()
        if declare is before:
            await run(
                url,
                "INSERT INTO boats VALUES (1, '9.50', 2, 'Ada'), (2, '10.00', 1, 'Bo')",
                "INSERT INTO crew VALUES (1, 1)",
            )
    assert await run(url, "SELECT count(*) FROM crew") == [(1,)]
    assert await run(url, "SELECT id FROM boats ORDER BY price DESC") == [(2,), (1,)]
    with pytest.raises(Exception, match="positive"):
        await run(url, "INSERT INTO boats VALUES (3, '1.00', 0, 'Cy')")


async def test_neither_chain_touches_tables_of_the_other(project: Path, database_url: str) -> None:
    bare = MetaData(naming_convention=NAMING)
    Table("boats", bare, Column("id", Integer, primary_key=True))
    migrations = Migrations(database_url, bare, project)
    await migrations.up()
    path = await migrations.make("boats")
    assert path is not None
    assert "backstay_" not in path.read_text().replace("from backstay", "")


async def test_nodes_that_migrate_at_once_apply_each_step_once(
    project: Path, database_url: str, tmp_path: Path
) -> None:
    """Real processes: threads of one would be kept apart by Alembic's own lock."""
    versions = project / "migrations" / "versions"
    versions.mkdir(parents=True)
    for number in range(4):
        versions.joinpath(f"{number}.py").write_text(
            f"import sqlalchemy as sa\nfrom alembic import op\n"
            f"revision = 'r{number}'\ndown_revision = {f'r{number - 1}' if number else None!r}\n"
            f"def upgrade():\n    op.create_table('t{number}', sa.Column('id', sa.Integer()))\n"
            f"def downgrade():\n    op.drop_table('t{number}')\n"
        )
    # Made outside of a transaction, where the index waits for everything that a statement of another node may see.
    versions.joinpath("4.py").write_text(
        "from alembic import op\nrevision = 'r4'\ndown_revision = 'r3'\n"
        "def upgrade():\n    with op.get_context().autocommit_block():\n"
        "        op.create_index('i', 't3', ['id'], postgresql_concurrently=True)\n"
        "def downgrade():\n    op.drop_index('i', 't3')\n"
    )
    program = (
        "import asyncio, sys; from pathlib import Path; from backstay.models.base import Model;"
        "from backstay.repositories.migrations import Migrations;"
        "print(len(asyncio.run(Migrations(sys.argv[1], Model.metadata, Path(sys.argv[2])).up())))"
    )

    def node() -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-c", program, database_url, str(project)]
        return subprocess.run(words, capture_output=True, text=True, timeout=90, check=False)

    nodes = await asyncio.gather(*(asyncio.to_thread(node) for _ in range(3)))
    assert [node.returncode for node in nodes] == [0, 0, 0], nodes[0].stderr
    assert sum(int(node.stdout) for node in nodes) == PLATFORM_STEPS + 5


async def test_a_migration_that_fails_leaves_nothing_and_names_itself(
    project: Path, database_url: str
) -> None:
    versions = project / "migrations" / "versions"
    versions.mkdir(parents=True)
    versions.joinpath("broken.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\nrevision = 'broken'\ndown_revision = None\n"
        "def upgrade():\n    op.create_table('half', sa.Column('id', sa.Integer()))\n"
        "    op.execute('INSERT INTO nowhere VALUES (1)')\n"
        "def downgrade():\n    pass\n"
    )
    migrations = Migrations(database_url, metadata_with(lambda metadata: None), project)
    with pytest.raises(ConfigurationError, match=r"migration broken \(broken.py\) failed, and nothing"):
        await migrations.up()
    status = await migrations.status()
    assert {step.chain for step in status.applied} == {"platform"}
    assert [step.revision for step in status.pending] == ["broken"]
    with pytest.raises(Exception, match="half"):
        await run(database_url, "SELECT * FROM half")


async def test_each_step_that_was_run_is_told(project: Path, database_url: str) -> None:
    told: list[Step] = []
    migrations = Migrations(database_url, metadata_with(lambda metadata: None), project)
    assert await migrations.up(told.append) == told
    assert len(told) == PLATFORM_STEPS
    assert told[0] == Step("platform", "p0001", "Users")
    assert await migrations.down(1) == []


async def test_a_node_of_the_old_version_stays_current_during_a_rollout(
    project: Path, database_url: str
) -> None:
    metadata = metadata_with(crew)
    migrations = Migrations(database_url, metadata, project)
    assert not await migrations.is_current()
    await migrations.up()
    path = await migrations.make("boats")
    assert path is not None
    assert not await migrations.is_current()
    await migrations.up()
    assert await migrations.is_current()
    path.unlink()
    assert await migrations.is_current()
    with pytest.raises(ConfigurationError, match="update the application"):
        await migrations.up()


async def test_making_a_migration_while_others_are_pending_says_what_to_do(
    project: Path, database_url: str
) -> None:
    migrations = Migrations(database_url, metadata_with(crew), project)
    await migrations.up()
    await migrations.make("boats")
    with pytest.raises(ConfigurationError, match="run `backstay migrate up` first"):
        await migrations.make("again")


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none", "sqlite:////proc/none/app.db"])
async def test_a_database_that_cannot_be_reached_is_told_without_a_traceback(project: Path, url: str) -> None:
    with pytest.raises(BackstayError) as caught:
        await Migrations(url, metadata_with(lambda metadata: None), project).up()
    assert caught.value.code == "PGRST000"
