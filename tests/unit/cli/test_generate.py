"""`backstay generate` and its file: written, found up to date, found to differ."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from backstay.cli import application, generate
from backstay.errors import ConfigurationError
from backstay.models.resources.actions import NO_ACTIONS
from tests.unit.controllers.openapi import sample


@pytest.fixture(autouse=True)
def catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """The models of a sample instead of a project's."""
    monkeypatch.setattr(generate, "enter", lambda project: None)
    monkeypatch.setattr(generate, "catalogs_of", lambda package: (sample.catalog(), NO_ACTIONS))


def run(*words: str) -> Result:
    return CliRunner().invoke(application, ["generate", *words])


@pytest.mark.parametrize("language", ["typescript", "python"])
def test_a_file_is_written_and_checked(language: str, tmp_path: Path) -> None:
    file = tmp_path / "web" / "database"
    assert run(language, "--output", str(file)).exit_code == 0
    text = file.read_text("utf-8")
    assert text == run(language).stdout
    assert f"`backstay generate {language}`" in text.partition("\n\n")[0] + text.partition("\n\n")[2][:100]
    assert run(language, "--output", str(file), "--check").exit_code == 0

    file.write_text(text.replace("iata", "code"), "utf-8")
    outdated = run(language, "--output", str(file), "--check")
    assert outdated.exit_code == 1
    assert "iata" in outdated.stdout
    assert f"run: backstay generate {language} --output {file}" in outdated.stderr
    assert "code" in file.read_text("utf-8")
    assert run(language, "--output", str(file), "--check", "--as", "anonymous").exit_code == 1
    file.unlink()
    assert run(language, "--output", str(file), "--check").exit_code == 1


def test_what_cannot_be_checked_or_written_is_told(tmp_path: Path) -> None:
    assert run("python", "--check").exit_code == 2
    (tmp_path / "file").write_bytes(b"\xff")
    refused = run("python", "--output", str(tmp_path / "file" / "below"))
    assert isinstance(refused.exception, ConfigurationError)
    unreadable = run("python", "--check", "--output", str(tmp_path / "file"))
    assert isinstance(unreadable.exception, ConfigurationError)
