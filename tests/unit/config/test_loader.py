"""Where settings come from, and how wrong ones are told."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from backstay.config.database import DatabaseSettings
from backstay.config.environment import Environment
from backstay.config.loader import load_settings, variable_name
from backstay.errors import ConfigurationError

SECRET = "b7Xq2LwT9vRz4KpN8sYd6HfJ3mGc5QaE"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("BACKSTAY_"):
            monkeypatch.delenv(name)


def write_toml(project: Path, text: str, environment: str = "development") -> None:
    folder = project / "backend" / "config"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{environment}.toml").write_text(text, "utf-8")


def problems_of(project: Path, environment: str | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(project, environment)
    return list(caught.value.problems)


def test_defaults_serve_on_loopback_from_a_file_in_the_data_folder(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    assert settings.environment is Environment.DEVELOPMENT
    assert (settings.http.host, settings.http.port) == ("127.0.0.1", 8000)
    assert settings.data_folder == tmp_path / ".data"
    assert settings.database.url == f"sqlite:///{tmp_path}/.data/app.db"


def test_each_source_stands_above_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_toml(tmp_path, "[http]\nport = 1\nmax_headers = 50\n[rest]\nmax_rows = 7\n")
    assert load_settings(tmp_path).http.port == 1
    monkeypatch.setenv("BACKSTAY_HTTP__PORT", "2")
    assert load_settings(tmp_path).http.port == 2
    (tmp_path / "backstay_http__port").write_text("3\n")
    monkeypatch.setenv("BACKSTAY_SECRETS_FOLDER", str(tmp_path))
    assert load_settings(tmp_path).http.port == 3
    (tmp_path / "port").write_text("4\n")
    monkeypatch.setenv("BACKSTAY_HTTP__PORT_FILE", str(tmp_path / "port"))
    settings = load_settings(tmp_path)
    assert (settings.http.port, settings.http.max_headers, settings.rest.max_rows) == (4, 50, 7)


def test_the_environment_chooses_its_file_and_an_argument_stands_above_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_toml(tmp_path, "[http]\nport = 1\n", "staging")
    write_toml(tmp_path, "[http]\nport = 2\n", "production")
    monkeypatch.setenv("BACKSTAY_ENVIRONMENT", "staging")
    assert load_settings(tmp_path).http.port == 1
    settings = load_settings(tmp_path, "production")
    assert (settings.environment, settings.http.port) == (Environment.PRODUCTION, 2)


def test_lists_in_variables_are_separated_by_commas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKSTAY_HTTP__CORS_ORIGINS", " https://a.example, https://b.example ,")
    assert load_settings(tmp_path).http.cors_origins == ("https://a.example", "https://b.example")


def test_an_empty_variable_counts_as_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKSTAY_HTTP__PORT", "")
    monkeypatch.setenv("BACKSTAY_ENVIRONMENT", "")
    assert load_settings(tmp_path).http.port == 8000


def test_a_moved_data_folder_takes_database_and_keys_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = tmp_path / "elsewhere" / "deep"
    monkeypatch.setenv("BACKSTAY_DATA_FOLDER", str(moved))
    settings = load_settings(tmp_path / "project")
    assert settings.database.url == f"sqlite:///{moved}/app.db"
    assert (moved / "keys.toml").is_file()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("sqlite:///local.db", "sqlite:///{project}/local.db"),
        ("sqlite:////srv/app.db", "sqlite:////srv/app.db"),
        ("postgresql://u:p@db/app", "postgresql://u:p@db/app"),
    ],
)
def test_a_relative_database_file_lies_in_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, expected: str
) -> None:
    monkeypatch.setenv("BACKSTAY_DATABASE__URL", given)
    assert load_settings(tmp_path).database.url == expected.format(project=tmp_path)


@pytest.mark.parametrize("url", ["mysql://db/app", "app.db", "sqlite://", "sqlite:///:memory:", "sqlite:///"])
def test_a_database_we_cannot_serve_from_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("BACKSTAY_DATABASE__URL", url)
    (problem,) = problems_of(tmp_path)
    assert problem.startswith("BACKSTAY_DATABASE__URL: ")


def test_all_problems_are_told_at_once_with_variable_and_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_toml(tmp_path, "[rest]\nmax_rows = 0\nmaxdepth = 3\n")
    monkeypatch.setenv("BACKSTAY_HTTP__PORTT", "1")
    monkeypatch.setenv("BACKSTAY_HTTP__PORT", "99999")
    monkeypatch.setenv("BACKSTAY_LOG__LEVEL", "loud")
    monkeypatch.setenv("BACKSTAY_TOKENS__SECRET_FILE", str(tmp_path / "absent"))
    text = "\n".join(problems_of(tmp_path))
    assert "BACKSTAY_HTTP__PORTT: there is no such setting; did you mean BACKSTAY_HTTP__PORT?" in text
    assert "BACKSTAY_HTTP__PORT: should be less than or equal to 65535" in text
    assert "BACKSTAY_LOG__LEVEL: should be 'debug'" in text
    assert "BACKSTAY_TOKENS__SECRET_FILE: " in text
    assert "max_rows in [rest] of development.toml (or BACKSTAY_REST__MAX_ROWS)" in text
    assert "BACKSTAY_REST__MAXDEPTH: there is no such setting; did you mean BACKSTAY_REST__MAX_DEPTH?" in text
    assert len(text.splitlines()) == 6


@pytest.mark.parametrize(
    ("provider", "lines", "missing"),
    [
        ("oidc", "", "issuer"),
        ("github", "", "client_secret"),
        ("google", "", "client_secret"),
        ("apple", 'team_id = "t"\nkey_id = "k"', "private_key"),
        ("apple", 'client_secret = "s"', None),
        ("gitlab", "", None),
    ],
)
def test_a_provider_that_nobody_could_sign_in_at_is_told_at_the_start(
    tmp_path: Path, provider: str, lines: str, missing: str | None
) -> None:
    """It was told by nobody before somebody's sign-in failed."""
    write_toml(tmp_path, f'[auth.providers.{provider}]\nclient_id = "id"\n{lines}\n')
    if missing is None:
        assert getattr(load_settings(tmp_path).auth.providers, provider).enabled
        return
    (problem,) = problems_of(tmp_path)
    assert f"BACKSTAY_AUTH__PROVIDERS__{provider.upper()}" in problem
    assert missing in problem


def test_an_unknown_environment_names_the_three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKSTAY_ENVIRONMENT", "prod")
    assert problems_of(tmp_path) == [
        "BACKSTAY_ENVIRONMENT: 'prod' is not an environment; use one of development, staging, production"
    ]


def test_a_file_cannot_choose_its_environment(tmp_path: Path) -> None:
    write_toml(tmp_path, 'environment = "development"\n', "production")
    (problem,) = problems_of(tmp_path, "production")
    assert "cannot choose its environment" in problem


def test_a_file_that_is_no_toml_is_told_without_a_traceback(tmp_path: Path) -> None:
    write_toml(tmp_path, "[http\n")
    (problem,) = problems_of(tmp_path)
    assert "development.toml" in problem


def test_a_wrong_secret_never_appears_in_the_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_toml(tmp_path, '[tokens]\nsecret = ["canary-in-a-list"]\n')
    monkeypatch.setenv("BACKSTAY_TOKENS__LEEWAY_SECONDS", "canary-number")
    text = "\n".join(problems_of(tmp_path))
    assert "BACKSTAY_TOKENS__SECRET" in text
    assert "BACKSTAY_TOKENS__LEEWAY_SECONDS" in text
    assert "canary" not in text


def test_secrets_do_not_show_when_settings_are_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKSTAY_TOKENS__SECRET", SECRET)
    assert SECRET not in repr(load_settings(tmp_path))


def test_a_secret_file_loses_its_last_line_break_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text(f" {SECRET} \r\n", newline="")
    monkeypatch.setenv("BACKSTAY_TOKENS__SECRET_FILE", str(tmp_path / "secret"))
    secret = load_settings(tmp_path).tokens.secret
    assert secret is not None
    assert secret.get_secret_value() == f" {SECRET} "


def test_development_makes_keys_once_that_only_the_owner_reads(tmp_path: Path) -> None:
    first, second = load_settings(tmp_path).tokens, load_settings(tmp_path).tokens
    assert first == second
    assert first.secret is not None
    assert first.secret_key is not None
    assert first.secret_key.get_secret_value().startswith("sb_secret_")
    assert stat.S_IMODE((tmp_path / ".data" / "keys.toml").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / ".data").iterdir()] == ["keys.toml"]


def test_processes_that_start_together_get_the_same_keys(tmp_path: Path) -> None:
    found: list[object] = []
    start = threading.Barrier(8)

    def load() -> None:
        start.wait()
        found.append(load_settings(tmp_path).tokens)

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(tokens == found[0] for tokens in found)


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_no_key_is_made_outside_development(tmp_path: Path, environment: str) -> None:
    assert load_settings(tmp_path, environment).tokens.secret is None
    assert not (tmp_path / ".data").exists()


def test_keys_that_were_damaged_are_told_with_their_file(tmp_path: Path) -> None:
    (tmp_path / ".data").mkdir()
    (tmp_path / ".data" / "keys.toml").write_text("secret = 3\n")
    (problem,) = problems_of(tmp_path)
    assert "keys.toml" in problem


def test_the_variable_of_a_setting_is_its_path() -> None:
    assert variable_name("http", "max_body_bytes") == "BACKSTAY_HTTP__MAX_BODY_BYTES"


def test_what_is_printed_of_settings_holds_no_password_of_the_database() -> None:
    settings = DatabaseSettings(url="postgresql://app:correct-horse@db/app")
    assert "correct-horse" not in f"{settings!r} {settings}"
