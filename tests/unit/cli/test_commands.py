"""The command line as a person meets it: a real process in a real project."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from backstay.cli import application
from tests.engines import free_port

SOURCE = Path(__file__).resolve().parents[3]
READY_SECONDS = 30.0
PLAIN_MODEL = """
from backstay import Access, Model, caller
from sqlalchemy.orm import Mapped, mapped_column


class Ship(Model):
    __tablename__ = "ships"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class ShipAccess(Access, model=Ship):
    read = True
    create = update = delete = caller.has_role("captain")
"""

MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "ships"
down_revision = None


def upgrade():
    op.create_table(
        "ships", sa.Column("id", sa.BigInteger(), primary_key=True), sa.Column("name", sa.Text(), nullable=False)
    )


def downgrade():
    op.drop_table("ships")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    models = tmp_path / "backend" / "models"
    models.mkdir(parents=True)
    (tmp_path / "backend" / "__init__.py").touch()
    (models / "__init__.py").touch()
    (models / "ships.py").write_text(PLAIN_MODEL)
    (tmp_path / "backend" / "app.py").write_text(
        'from backstay import Backstay\n\napp = Backstay("backend")\n'
    )
    return tmp_path


def environment(**variables: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BACKSTAY_")}
    return {**inherited, "PYTHONPATH": str(SOURCE), "COLUMNS": "200", "NO_COLOR": "1", **variables}


def command(*words: str) -> list[str]:
    return [sys.executable, "-c", "from backstay.cli import main; main()", *words]


def backstay(project: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words),
        cwd=project,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "words",
    [
        ("dev",),
        ("serve",),
        ("check",),
        ("routes",),
        ("doctor",),
        ("access", "explain"),
        ("access", "matrix"),
        ("migrate", "make"),
        ("migrate", "up"),
        ("migrate", "down"),
        ("migrate", "status"),
        ("token",),
        *[("user", word) for word in ("create", "list", "disable", "enable", "reset-password")],
        *[("role", word) for word in ("create", "list", "grant", "revoke")],
        *[("apikey", word) for word in ("create", "list", "revoke")],
        *[("keys", word) for word in ("list", "rotate", "revoke")],
        *[("generate", word) for word in ("typescript", "python")],
        ("graphql", "schema"),
    ],
)
def test_every_command_teaches_itself_with_examples(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(application, [*words, "--help"])
    assert shown.exit_code == 0
    assert f"backstay {' '.join(words)}" in shown.stdout.split("Examples:", 1)[1]


def test_the_help_lists_every_command() -> None:
    shown = CliRunner().invoke(application, ["--help"]).stdout
    for name in (
        "dev",
        "serve",
        "check",
        "doctor",
        "routes",
        "access",
        "migrate",
        "token",
        "generate",
        "graphql",
    ):
        assert re.search(rf"^\W*{name}\s", shown, re.MULTILINE)


def test_words_that_are_no_command_end_with_two() -> None:
    assert CliRunner().invoke(application, ["sail"]).exit_code == 2


def test_a_folder_without_a_project_is_told_in_one_line(tmp_path: Path) -> None:
    told = backstay(tmp_path, "routes")
    assert told.returncode == 1
    assert "--project" in told.stderr
    assert "Traceback" not in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1


def test_check_in_production_lists_everything_with_its_fix(project: Path) -> None:
    (project / "backend" / "models" / "crews.py").write_text(
        "from backstay import Model\nfrom sqlalchemy.orm import Mapped, mapped_column\n\n\n"
        'class Crew(Model):\n    __tablename__ = "crews"\n    id: Mapped[int] = mapped_column(primary_key=True)\n'
    )
    variables = {
        "BACKSTAY_DEBUG": "true",
        "BACKSTAY_HTTP__WORKERS": "2",
        "BACKSTAY_HTTP__CORS_ORIGINS": "*",
        "BACKSTAY_HTTP__CORS_CREDENTIALS": "true",
    }
    checked = backstay(project, "check", "--env", "production", **variables)
    text = checked.stdout + checked.stderr
    assert checked.returncode == 1
    assert "Traceback" not in text
    for name in (
        "BACKSTAY_TOKENS__SECRET",
        "BACKSTAY_DEBUG",
        "BACKSTAY_HTTP__WORKERS",
        "CORS_ORIGINS",
        "crews",
    ):
        assert name in text
    assert "BACKSTAY_TOKENS__SECRET_FILE" in text


def test_check_of_a_safe_production_ends_with_zero(project: Path) -> None:
    checked = backstay(
        project, "check", "--env", "production", BACKSTAY_TOKENS__SECRET=secrets.token_urlsafe(48)
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_check_judges_the_environment_that_it_is_asked_about(project: Path) -> None:
    for words in (("check",), ("check", "--env", "development")):
        checked = backstay(project, *words, BACKSTAY_DEBUG="true")
        assert (checked.returncode, checked.stderr) == (0, "")
    assert backstay(project, "check", "--env", "staging").returncode == 1


def test_tables_are_never_cut_where_no_terminal_shows_them(project: Path) -> None:
    model = project / "backend" / "models" / "ships.py"
    model.write_text(
        model.read_text().replace('"ships"', f'"{"s" * 60}"').replace('"captain"', f'"{"c" * 90}"')
    )
    routes = backstay(project, "routes", COLUMNS="40").stdout
    assert "s" * 60 in routes
    assert "c" * 90 in routes
    checked = backstay(project, "check", "--env", "production", COLUMNS="40").stderr
    assert "and name it in BACKSTAY_TOKENS__SECRET_FILE" in checked
    assert "…" not in routes + checked


def test_check_tells_values_that_cannot_be_read(project: Path) -> None:
    checked = backstay(project, "check", "--env", "production", BACKSTAY_HTTP__PORT="many", BACKSTAY_HTP="1")
    assert checked.returncode == 1
    assert "BACKSTAY_HTTP__PORT" in checked.stderr
    assert "BACKSTAY_HTP" in checked.stderr
    assert "Traceback" not in checked.stderr


def test_serving_in_production_makes_the_same_check_and_refuses(project: Path) -> None:
    refused = backstay(project, "serve", BACKSTAY_ENVIRONMENT="production")
    assert refused.returncode == 1
    assert "BACKSTAY_TOKENS__SECRET" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_dev_is_not_for_production(project: Path) -> None:
    refused = backstay(
        project,
        "dev",
        BACKSTAY_ENVIRONMENT="production",
        BACKSTAY_TOKENS__SECRET=secrets.token_urlsafe(48),
    )
    assert refused.returncode == 1
    assert "use serve" in refused.stderr


def test_routes_name_their_rules_and_the_public_ones(project: Path) -> None:
    shown = backstay(project, "routes")
    assert shown.returncode == 0
    lines = [line for line in shown.stdout.splitlines() if "/rest/v1/ships" in line]
    assert any("GET" in line and "everyone" in line for line in lines)
    assert any("POST" in line and "captain" in line for line in lines)
    public = backstay(project, "routes", "--public").stdout
    assert "/health/live" in public
    assert not [line for line in public.splitlines() if "POST" in line and "/auth/v1/" not in line]


def test_a_migration_is_made_applied_and_undone(project: Path) -> None:
    pending = backstay(project, "migrate", "status")
    assert (pending.returncode, "pending" in pending.stdout) == (1, True)
    assert backstay(project, "migrate", "up").returncode == 0
    made = backstay(project, "migrate", "make", "-m", "ships")
    assert made.returncode == 0
    assert len(list((project / "migrations" / "versions").glob("*.py"))) == 1
    applied = backstay(project, "migrate", "up")
    assert "ships" in applied.stdout
    assert backstay(project, "migrate", "status").returncode == 0
    assert "nothing to do" in backstay(project, "migrate", "make", "-m", "again").stdout
    assert "1 undone" in backstay(project, "migrate", "down").stdout


def test_a_database_that_does_not_answer_is_told_in_one_line(project: Path) -> None:
    told = backstay(project, "migrate", "up", BACKSTAY_DATABASE__URL="postgresql://nobody@127.0.0.1:1/none")
    assert told.returncode == 1
    assert "PGRST000" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_token_is_minted_alone_on_its_line_and_not_in_production(project: Path) -> None:
    backstay(project, "migrate", "up")
    minted = backstay(project, "token", "--email", "alice@example.com", "--role", "captain")
    assert minted.returncode == 0, minted.stderr
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", minted.stdout)
    secret = secrets.token_urlsafe(48)
    refused = backstay(
        project,
        "token",
        "--email",
        "alice@example.com",
        BACKSTAY_ENVIRONMENT="production",
        BACKSTAY_TOKENS__SECRET=secret,
    )
    assert refused.returncode == 1
    assert "production" in refused.stderr


def test_types_are_made_from_the_models(project: Path) -> None:
    made = backstay(project, "generate", "typescript", "--as", "captain")
    assert (made.returncode, made.stderr) == (0, "")
    assert "          name: string\n" in made.stdout
    refused = backstay(project, "generate", "python", "--as", "captan")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "anonymous, user, service, captain" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    "words",
    [("dev", "--no-reload", "--port"), ("dev",), ("serve",), ("serve", "--workers", "2", "--port")],
)
def test_a_served_project_answers_and_stops_when_told(project: Path, words: tuple[str, ...]) -> None:
    has_port = words[-1] == "--port"
    words = (*words, str(free_port())) if has_port else words
    versions = project / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "ships.py").write_text(MIGRATION)
    if words[0] == "serve":
        assert backstay(project, "migrate", "up").returncode == 0
    process = subprocess.Popen(
        command(*words),
        cwd=project,
        env=environment(BACKSTAY_HTTP__PORT="0", PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        url = address_of(process)
        answer = until_answered(f"{url}/rest/v1/ships")
        assert (answer.status_code, answer.json()) == (200, [])
        assert httpx.get(f"{url}/health/ready").status_code == 200
        if has_port:
            # Tokens and links in mails named the port of the settings.
            known = httpx.get(f"{url}/auth/v1/.well-known/openid-configuration").json()
            assert known["issuer"] == f"{url}/auth/v1"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        assert process.returncode in {0, -signal.SIGTERM}
    finally:
        process.kill()
        process.communicate()


def address_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        if found:
            return found[0]
    raise AssertionError(f"no address was printed:\n{seen}")


def until_answered(url: str) -> httpx.Response:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            return httpx.get(url)
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
