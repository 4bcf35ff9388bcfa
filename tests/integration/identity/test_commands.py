"""`backstay user`, `role`, `apikey` and `keys` on both engines: what they do, print and refuse."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).resolve().parents[3]
PASSWORD = "seven parrots on a mast"
# All commands in one process: starting each would take most of the time.
RUNNER = """
import contextlib, io, json, sys
from backstay.cli import main

done = []
for words, typed in json.load(sys.stdin):
    sys.modules.pop("backend.app", None)
    sys.argv, sys.stdin, code = ["backstay", *words], io.StringIO(typed), 0
    out, err = io.TextIOWrapper(io.BytesIO()), io.TextIOWrapper(io.BytesIO())
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
    out.flush(), err.flush()
    done.append((code, *(one.buffer.getvalue().decode() for one in (out, err))))
json.dump(done, sys.stdout)
"""


class Done(NamedTuple):
    code: int
    out: str
    err: str


class Terminal:
    """Runs commands in a project without models."""

    def __init__(self, project: Path, url: str) -> None:
        for package in (project / "backend", project / "backend" / "models"):
            package.mkdir()
            (package / "__init__.py").touch()
        (project / "backend" / "app.py").write_text(
            'from backstay import Backstay\n\napp = Backstay("backend")\n'
        )
        self._project = project
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("BACKSTAY_")}
        more = {"PYTHONPATH": str(SOURCE), "NO_COLOR": "1", "BACKSTAY_DATABASE__URL": url}
        self._environment = {**inherited, **more}

    def run(self, *commands: str | tuple[str, str]) -> Sequence[Done]:
        """Commands, each a line of words, or that and what is typed."""
        asked = [
            (line.split(), "") if isinstance(line, str) else (line[0].split(), line[1]) for line in commands
        ]
        ran = subprocess.run(
            [sys.executable, "-c", RUNNER],
            cwd=self._project,
            env=self._environment,
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert ran.returncode == 0, ran.stderr
        return [Done(*one) for one in json.loads(ran.stdout)]


@pytest.fixture
def terminal(tmp_path: Path, migrated_url: str) -> Terminal:
    return Terminal(tmp_path, migrated_url)


def test_users_and_roles(terminal: Terminal) -> None:
    made, again, weak, bot, roleless, listed, *more = terminal.run(
        ("user create Ann@Example.com --role editor", f"{PASSWORD}\n"),
        ("user create ann@example.com", f"{PASSWORD}\n"),
        ("user create bob@example.com", "short\n"),
        "user create bot@example.com --generate",
        "user create other@example.com --generate --role captain",
        "user list",
        "user disable ann@example.com",
        "user list",
        "user enable ann@example.com",
        ("user reset-password ann@example.com", f"{PASSWORD} again\n"),
        "user disable nobody@example.com",
        "user disable",
        "user reset-password ann@example.com --link",
        "user reset-password nobody@example.com --link",
        "role grant ann@example.com admin",
        "role revoke ann@example.com admin",
        "role grant ann@example.com captain",
        "role grant nobody@example.com admin",
    )
    assert (made.code, made.out.count("\n"), PASSWORD in made.out + made.err) == (0, 1, False)
    assert "echo" not in made.err
    assert (again.code, again.out, "email_exists" in again.err) == (1, "", True)
    assert (weak.code, "weak_password" in weak.err) == (1, True)
    secret = re.search(r"^password: (\S{20,})$", bot.out, re.MULTILINE)
    assert secret is not None
    assert secret[1] not in bot.err
    # They were made, and the password with them was shown to nobody.
    assert (roleless.code, roleless.out, "role_not_found" in roleless.err) == (1, "", True)
    assert "2 of 2 users" in listed.out
    assert "editor, user" in listed.out

    ann = made.out.split()[-1].strip("()")
    (by_id,) = terminal.run(f"user disable {ann}")
    assert (by_id.code, by_id.out) == (0, f"disabled {ann}\n")
    out, shown, back, ended, unknown, wrong, link, nobodys, granted, taken, none, nothing = more
    assert (out.code, "disabled" in shown.out, back.code, ended.code) == (0, True, 0, 0)
    assert (unknown.code, "user_not_found" in unknown.err, wrong.code) == (1, True, 2)
    assert re.fullmatch(r"http://\S+/auth/v1/verify\?token=\S+&type=recovery&\S+\n", link.out)
    assert re.findall(r"token=([\w-]+)", link.err) == []
    assert (nobodys.code, nobodys.out, granted.code, taken.code) == (1, "", 0, 0)
    assert (none.code, "role_not_found" in none.err) == (1, True)
    assert (nothing.code, "user_not_found" in nothing.err) == (1, True)


def test_api_keys_and_signing_keys(terminal: Terminal) -> None:
    made, same, bad, listed, revoked, again, shown, *more = terminal.run(
        "apikey create reports --role editor --permission reports:read --days 90",
        "apikey create reports",
        "apikey create other --permission reports",
        "apikey list",
        "apikey revoke reports",
        "apikey revoke reports",
        "apikey list",
        "keys rotate",
        "keys list",
        ("keys revoke none", "n\n"),
        "keys revoke none --yes",
    )
    assert re.fullmatch(r"bsk_[\w-]{43}\n", made.out)
    assert made.out.strip() not in made.err + listed.out + revoked.err
    assert (same.code, same.out, bad.code, again.code) == (1, "", 1, 1)
    assert "editor, reports:read" in listed.out
    assert (revoked.code, "revoked" in shown.out) == (0, True)

    rotated, second, asked, unknown = more
    current = rotated.out.split()[0]
    assert re.search(rf"{current} │ current", second.out)
    # The record of a rotation said None.
    assert current in rotated.err
    assert (asked.code, "Aborted" in asked.err, unknown.code, "not_found" in unknown.err) == (
        1,
        True,
        1,
        True,
    )


def test_a_database_that_is_not_migrated_is_told_with_what_to_do(tmp_path: Path, database_url: str) -> None:
    """It was a fault of ours (`internal_error`)."""
    lines = (
        "user list",
        "role list",
        "apikey list",
        "keys list",
        "keys rotate",
        "token --email a@example.com",
    )
    for done in Terminal(tmp_path, database_url).run(*lines):
        assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
        assert "backstay migrate up" in done.err


def test_a_database_that_does_not_answer_is_told_in_one_line(tmp_path: Path) -> None:
    """It was a traceback."""
    terminal = Terminal(tmp_path, "postgresql://nobody@127.0.0.1:1/none")
    for done in terminal.run("user list", "keys list", "token --email a@example.com"):
        assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
        assert "PGRST000" in done.err
