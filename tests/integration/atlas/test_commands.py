"""The example from the command line, as its README has it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.atlas.conftest import PROJECT


def test_the_command_says_what_to_do_when_the_database_is_empty(tmp_path: Path) -> None:
    done = run(tmp_path, "-m", "backend.load")
    assert done.returncode == 1
    assert "backstay migrate up" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_commands_of_the_readme_fill_an_empty_folder_and_the_examples_own_tests_pass(
    tmp_path: Path,
) -> None:
    run(tmp_path, "-c", "from backstay.cli import main; main()", "migrate", "up")
    first = run(tmp_path, "-m", "backend.load")
    assert "countries: 250 new" in first.stdout, first.stderr
    second = run(tmp_path, "-m", "backend.load")
    assert "countries: 0 new, subdivisions: 0 new, airports: 0 new" in second.stdout
    tests = run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert tests.returncode == 0, tests.stdout


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A program in the example's folder, with its data in `folder`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BACKSTAY_")}
    environment |= {"BACKSTAY_DATA_FOLDER": str(folder), "COLUMNS": "200"}
    environment["PYTHONPATH"] = os.pathsep.join([str(PROJECT.parents[1]), environment.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
