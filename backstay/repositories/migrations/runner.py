"""Makes, applies and undoes migrations, and says how far the database has come.

Each migration is one transaction under a lock that all nodes share, and looks again at what is left once it holds
the lock: so any number of nodes may migrate at once, and one that dies leaves nothing half done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.operations import MigrationScript
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import Script
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData
from sqlalchemy.exc import DBAPIError

from backstay.errors import ConfigurationError
from backstay.models.search import SEARCH_PREFIX
from backstay.repositories.migrations.chains import Chain, platform_chain, project_chain
from backstay.repositories.migrations.collations import kept_collations
from backstay.repositories.migrations.connections import check_references, lock, turn, with_connection
from backstay.repositories.migrations.enums import add_enum_types
from backstay.repositories.migrations.rendering import add_column_checks, render_item
from backstay.repositories.migrations.search_index import mend_indexes
from backstay.repositories.migrations.searches import leave_to_searches
from backstay.repositories.migrations.written import write_script


@dataclass(frozen=True, slots=True)
class Step:
    """One migration: `platform` or `project`, its revision and its title."""

    chain: str
    revision: str
    title: str


@dataclass(frozen=True, slots=True)
class Status:
    """What a database has run, and what it still needs; the first one first."""

    applied: tuple[Step, ...]
    pending: tuple[Step, ...]


Notify = Callable[[Step], None]
T = TypeVar("T")


class Migrations:
    """The migrations of one project and one database.

    Args:
        url: `sqlite:///path` or `postgresql://…`.
        metadata: every table of the models, the platform's included.
        project: the folder that holds `migrations/versions`.

    Every method raises `ConfigurationError` for migrations that cannot be read or run, and `BackstayError`
    (`PGRST000`) when the database cannot be reached.
    """

    def __init__(self, url: str, metadata: MetaData, project: Path) -> None:
        self._url = url
        self._metadata = metadata
        self._project = project

    async def make(self, message: str) -> Path | None:
        """Write the file that takes the database from its migrations to the models; None when they agree.

        Raises:
            ConfigurationError: also when migrations are pending.
        """
        chain = self._chains()[1]
        chain.folder.mkdir(parents=True, exist_ok=True)
        return await with_connection(self._url, lambda connection: self._make(chain, connection, message))

    async def write(self, message: str, upgrade: Sequence[str], downgrade: Sequence[str]) -> Path:
        """Write a file of those statements, which run outside of a transaction where that can be.

        Raises:
            ConfigurationError: also when migrations are pending.
        """
        chain = self._chains()[1]
        chain.folder.mkdir(parents=True, exist_ok=True)
        if (await self.status()).pending:
            raise ConfigurationError(["migrations are pending (run `backstay migrate up` first)"])
        return _guarded(chain, lambda: write_script(chain, message, upgrade, downgrade))

    async def up(self, notify: Notify = lambda step: None) -> list[Step]:
        """Apply what is pending; returns what this call applied, and tells each step once it is kept."""
        chains = self._chains()
        return await with_connection(self._url, lambda connection: self._up(chains, connection, notify))

    async def down(self, steps: int | None = 1, notify: Notify = lambda step: None) -> list[Step]:
        """Undo the project's last `steps` migrations; None undoes all, then the platform's too."""
        chains = self._chains()
        return await with_connection(
            self._url, lambda connection: self._down(chains, connection, steps, notify)
        )

    async def status(self) -> Status:
        """What has been applied and what is pending."""
        chains = self._chains()
        return await with_connection(self._url, lambda connection: self._status(chains, connection))

    async def is_current(self) -> bool:
        """Whether nothing is pending."""
        return not (await self.status()).pending

    async def differences(self) -> list[Any]:
        """What Alembic would change to make the tables what the models say; empty when they agree."""
        chains = self._chains()

        def compare(connection: Connection) -> list[Any]:
            found: list[Any] = []
            for chain in chains:
                context = MigrationContext.configure(connection, opts=self._options(chain))
                found += compare_metadata(context, self._metadata)
            connection.rollback()
            return found

        return await with_connection(self._url, compare)

    def _chains(self) -> tuple[Chain, Chain]:
        return platform_chain(), project_chain(self._project)

    def _make(self, chain: Chain, connection: Connection, message: str) -> Path | None:
        made = _guarded(
            chain, lambda: command.revision(self._config(chain, connection, []), message, autogenerate=True)
        )
        for script in made if isinstance(made, list) else [made]:
            if script is not None:
                return Path(script.path)
        return None

    def _up(self, chains: Iterable[Chain], connection: Connection, notify: Notify) -> list[Step]:
        done = []
        for chain in chains:
            _refuse_unknown(chain, _heads(chain, connection))
            while pending := chain.pending(_heads(chain, connection)):
                step = _step(chain, pending[0])
                if self._run(chain, connection, pending[0], command.upgrade, step.revision):
                    done.append(step)
                    notify(step)
        return done

    def _down(
        self, chains: tuple[Chain, Chain], connection: Connection, steps: int | None, notify: Notify
    ) -> list[Step]:
        done: list[Step] = []
        for chain in reversed(chains):
            _refuse_unknown(chain, _heads(chain, connection))
            while steps is None or (chain.name == "project" and len(done) < steps):
                applied = chain.applied(_heads(chain, connection))
                if not applied:
                    break
                last = next(script for script in reversed(chain.in_order) if script.revision in applied)
                if self._run(chain, connection, last, command.downgrade, f"{last.revision}-1"):
                    done.append(_step(chain, last))
                    notify(done[-1])
        return done

    def _status(self, chains: Iterable[Chain], connection: Connection) -> Status:
        applied: list[Step] = []
        pending: list[Step] = []
        for chain in chains:
            heads = _heads(chain, connection)
            run = chain.applied(heads)
            applied += [_step(chain, script) for script in chain.in_order if script.revision in run]
            pending += [_step(chain, script) for script in chain.pending(heads)]
        return Status(tuple(applied), tuple(pending))

    def _run(
        self,
        chain: Chain,
        connection: Connection,
        script: Script,
        act: Callable[[Any, str], None],
        target: str,
    ) -> bool:
        """Run one migration; False when another node did so first."""
        ran: list[str] = []
        _guarded(chain, lambda: act(self._config(chain, connection, ran), target), script)
        return bool(ran)

    def _config(self, chain: Chain, connection: Connection, ran: list[str]) -> Any:
        def run(context: EnvironmentContext) -> None:
            context.configure(
                connection=connection,
                target_metadata=self._metadata,
                process_revision_directives=_complete,
                on_version_apply=lambda step, **_: ran.append(str(step)),
                **self._options(chain),
            )
            if connection.dialect.name == "sqlite":
                # Everything is undone together there, what PostgreSQL does outside of a transaction included.
                context.get_context().autocommit_block = nullcontext  # type: ignore[assignment]
            with turn(connection), context.begin_transaction(), kept_collations():
                lock(connection)
                context.run_migrations()
                mend_indexes(connection)
                check_references(connection)

        return chain.config(run)

    def _options(self, chain: Chain) -> dict[str, Any]:
        def owned(item: Any, name: str | None, kind: str, *_: Any) -> bool:
            return named(name, kind, None)

        def named(name: str | None, kind: str, _: Any) -> bool:
            if kind == "index":
                return name is None or not name.startswith(SEARCH_PREFIX)
            return kind != "table" or (name is not None and chain.owns(name))

        return {
            "version_table": chain.version_table,
            "include_object": owned,
            "include_name": named,
            "render_item": render_item,
            "render_as_batch": True,
            "transactional_ddl": True,
            "transaction_per_migration": False,
            "compare_type": True,
        }


def _complete(context: MigrationContext, revision: Any, directives: list[MigrationScript]) -> None:
    """Alembic's hook: no file when nothing changes; otherwise one that also holds what Alembic leaves out."""
    script = directives[0]
    if script.upgrade_ops is None or script.downgrade_ops is None or script.upgrade_ops.is_empty():
        directives.clear()
        return
    for operations in (script.upgrade_ops, script.downgrade_ops):
        add_column_checks(operations)
        leave_to_searches(operations)
    add_enum_types(script.upgrade_ops, script.downgrade_ops)


def _guarded(chain: Chain, act: Callable[[], T], script: Script | None = None) -> T:
    """Run one of Alembic's commands; its errors become ours."""
    what = (
        f"migration {script.revision} ({Path(script.path).name})"
        if script
        else f"the {chain.name}'s migrations"
    )
    try:
        return act()
    except CommandError as error:
        fix = " (run `backstay migrate up` first)" if "not up to date" in str(error) else ""
        raise ConfigurationError([f"{what}: {error}{fix}"]) from error
    except DBAPIError as error:
        raise ConfigurationError([f"{what} failed, and nothing of it was kept: {error.orig}"]) from error
    except ConfigurationError as error:
        raise ConfigurationError([f"{what}: {problem}" for problem in error.problems]) from error


def _heads(chain: Chain, connection: Connection) -> tuple[str, ...]:
    """The chain's revisions in the database; ends the transaction it read them in."""
    context = MigrationContext.configure(connection, opts={"version_table": chain.version_table})
    heads = tuple(context.get_current_heads())
    connection.rollback()
    return heads


def _refuse_unknown(chain: Chain, heads: tuple[str, ...]) -> None:
    known = {script.revision for script in chain.in_order}
    unknown = [head for head in heads if head not in known]
    if unknown:
        raise ConfigurationError(
            [
                (
                    f"the database is at the {chain.name}'s migration {', '.join(unknown)}, which is not in"
                    f" {chain.folder}: update the application, or restore the missing files"
                )
            ]
        )


def _step(chain: Chain, script: Script) -> Step:
    return Step(chain.name, script.revision, (script.doc or "").rstrip("."))
