"""The atlas, ejected as a whole by the command: the same descriptions, a green suite, and a way back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TABLES = ("airports", "countries", "reviews", "subdivisions", "trips")
# Everything that describes the API, and how many classes of their own its tables have.
DESCRIBE = """
import json, sys
from pathlib import Path
from graphql import print_schema
from backstay.cli.project import load_app
from backstay.controllers.resources.graphql.schema import SchemaMaker
from backstay.services.resources.typed import audience_named
app = load_app(Path.cwd())
print(len(app.own.all), file=sys.stderr)
print(json.dumps(app.openapi()), json.dumps(app._swagger2()), app.routes())
maker = SchemaMaker(app.catalog, app.actions.catalog, app.settings.rest, app.settings.graphql.default_rows)
for who in ("anonymous", "user", "editor", "service"):
    caller = audience_named(app.catalog, who).member
    print(print_schema(maker.schema(caller)))
"""
EJECT = ("-c", "from backstay.cli import main; main()", "eject")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the example."""
    folder = tmp_path / "atlas"
    shutil.copytree(ROOT / "examples" / "atlas", folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "ruff.toml").write_text(
        f'extend = "{ROOT / "pyproject.toml"}"\n[lint]\nextend-ignore = ["INP", "RUF012", "S"]\n'
    )
    return folder


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BACKSTAY_")}
    environment |= {"BACKSTAY_DATA_FOLDER": str(project.parent), "COLUMNS": "200", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
    )


@pytest.mark.slow
def test_an_ejected_application_is_the_same_until_a_line_is_changed(project: Path) -> None:
    before = run(project, "-c", DESCRIBE)
    assert before.stderr.strip() == "0"
    known = set(project.rglob("*.py"))
    tried = run(project, *EJECT, "--all", "--dry-run")
    assert set(project.rglob("*.py")) == known

    done = run(project, *EJECT, "--all")
    assert done.returncode == 0, done.stderr
    new = set(project.rglob("*.py")) - known
    assert len(new) == 4 * len(TABLES)
    assert "backend/services/trips_table.py" in done.stdout
    assert tried.stdout.count("would write") == done.stdout.count("wrote") == len(new)

    after = run(project, "-c", DESCRIBE)
    assert after.stderr.strip() == "15"
    assert after.stdout == before.stdout
    for tool in (("ruff", "check", "."), ("ruff", "format", "--check", ".")):
        checked = run(project, "-m", *tool)
        assert checked.returncode == 0, checked.stdout
    suite = run(project, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert suite.returncode == 0, suite.stdout

    again = run(project, *EJECT, "trips", "airport")
    assert again.returncode == 1
    assert "'trips' has code of its own already: " in again.stderr
    assert "backend/services/trips_table.py" in again.stderr
    assert "perhaps: airports" in again.stderr
    for path in new:
        path.unlink()
    assert run(project, "-c", DESCRIBE).stderr.strip() == "0"
