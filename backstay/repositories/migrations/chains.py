"""The two chains of migrations: the platform's, which comes with the package, and the project's.

Each has its own folder of files, its own table that says how far it has come, and its own tables: neither sees what
the other owns.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import Script, ScriptDirectory

from backstay.models.base import PLATFORM_PREFIX
from backstay.models.search import SEARCH_PREFIX

_HERE = Path(__file__).parent
FILE_TEMPLATE = "%(year)d%(month).2d%(day).2d_%(rev)s_%(slug)s"


@dataclass(frozen=True)
class Chain:
    """Migrations that follow one another.

    Attributes:
        name: `platform` or `project`.
        version_table: where the database keeps the chain's revision.
    """

    name: str
    folder: Path
    version_table: str

    def owns(self, table: str) -> bool:
        """Whether a table belongs to this chain; those that are a search's index come and go with the search."""
        if table.startswith(SEARCH_PREFIX):
            return False
        return table.startswith(PLATFORM_PREFIX) == (self.name == "platform")

    def config(self, run: Callable[[EnvironmentContext], None] | None = None) -> Config:
        """Alembic's configuration; `run` is what its commands call with their context."""
        config = Config(stdout=io.StringIO(), cmd_opts=argparse.Namespace(quiet=True))
        config.set_main_option("script_location", _escaped(_HERE / "environment"))
        config.set_main_option("version_locations", _escaped(self.folder))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("file_template", FILE_TEMPLATE.replace("%", "%%"))
        config.attributes["run"] = run
        return config

    @cached_property
    def scripts(self) -> ScriptDirectory:
        """The migration files as they are now; read again by a new chain."""
        return ScriptDirectory.from_config(self.config())

    @cached_property
    def in_order(self) -> tuple[Script, ...]:
        """Every migration, the first one first."""
        return tuple(reversed(list(self.scripts.walk_revisions()))) if self.folder.is_dir() else ()

    def applied(self, heads: tuple[str, ...]) -> set[str]:
        """Revisions that a database at `heads` has run."""
        known = {script.revision: script for script in self.in_order}
        found: set[str] = set()
        waiting = [head for head in heads if head in known]
        while waiting:
            revision = waiting.pop()
            if revision not in found:
                found.add(revision)
                waiting += _before(known[revision])
        return found

    def pending(self, heads: tuple[str, ...]) -> tuple[Script, ...]:
        """What a database at `heads` still needs, the first one first.

        A database at a revision that is not known here has been migrated by a newer version of the application:
        nothing is pending then, so that nodes of the old version go on serving during a rollout.
        """
        known = {script.revision for script in self.in_order}
        if any(head not in known for head in heads):
            return ()
        applied = self.applied(heads)
        return tuple(script for script in self.in_order if script.revision not in applied)


def platform_chain() -> Chain:
    """The migrations of the platform's own tables."""
    return Chain("platform", _HERE / "platform", f"{PLATFORM_PREFIX}versions")


def project_chain(project: Path) -> Chain:
    """The migrations in the project's folder `migrations/versions`."""
    return Chain("project", project / "migrations" / "versions", "alembic_version")


def _before(script: Script) -> tuple[str, ...]:
    down: Any = script.down_revision
    return (down,) if isinstance(down, str) else tuple(down or ())


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
