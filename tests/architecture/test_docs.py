"""The documentation: what it promises holds, what it shows runs, and it speaks of the project alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from pydantic import BaseModel

from backstay.config.loader import variable_name
from backstay.config.settings import Settings
from tests.engines import free_port
from tests.node import node_in

ROOT = Path(__file__).parents[2]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ATLAS = ROOT / "examples" / "atlas"
CLIENT = ROOT / "tests" / "api" / "typed" / "javascript"
COMMAND = f"'{sys.executable}' -c 'from backstay.cli import main; main()' --project examples/atlas"

# The statuses of a page's curl lines, in their order.
RUNNABLE = {
    "README.md": [200, 206, 200, 304, 400, 201, 200, 200, 200, 200, 400, 200],
    "docs/business-logic.md": [200, 200, 404, 201, 200],
    "docs/graphql.md": [200] * 6,
    "docs/identity.md": [200, 200, 200],
    "docs/search.md": [200] * 5,
    "docs/rest.md": [200] * 21 + [201, 200, 204] * 2 + [200],
}

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_RUNNABLE = re.compile(r"<!-- run: demo -->\n```sh\n(.*?)```", re.DOTALL)
_MACHINE_PATH = re.compile(r"(?<![\w.:/}])/(?:home|root|work|tmp|Users|opt|mnt)/")
_CURL_TELLS_STATUS = r"""curl() { command curl -sS -w '%{stderr}%{http_code}\n' "$@"; }"""


def page_id(page: Path) -> str:
    """A page as the tests name it."""
    return page.relative_to(ROOT).as_posix()


def settings_of(model: type[BaseModel] = Settings, *section: str) -> Iterator[str]:
    """The variable of every setting."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings_of(field.annotation, *section, name)
        else:
            yield variable_name(*section, name)


def test_readme_opens_with_the_two_commands_that_show_it_works() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("```"))
    assert [line.split("#")[0].strip() for line in lines[first + 1 : first + 3]] == ["make demo", "make test"]
    assert first <= 10


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    targets = [link.partition("#")[0] for link in _LINK.findall(page.read_text("utf-8"))]
    local = [target for target in targets if target and "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_files_named_by_path_exist(page: Path) -> None:
    named = re.findall(
        r"`((?:backstay|bench|docs|examples|tests|tools)/[\w./-]*\w)`", page.read_text("utf-8")
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_setting_is_documented_and_no_other() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `(BACKSTAY_\w+)` \|", text, re.MULTILINE))
    assert documented == set(settings_of())


def test_decisions_are_numbered_without_gaps() -> None:
    assert [page.name[:4] for page in DECISIONS] == [f"{n:04}" for n in range(1, len(DECISIONS) + 1)]
    assert DECISIONS


@pytest.mark.parametrize("page", DECISIONS, ids=page_id)
def test_a_decision_is_short_and_has_its_four_parts(page: Path) -> None:
    text = page.read_text("utf-8")
    assert text.startswith(f"# {page.name[:4]} ")
    assert len(text.splitlines()) <= 40
    parts = re.findall(r"^(Context|Decision|Consequences|Alternatives):", text, re.MULTILINE)
    assert parts == ["Context", "Decision", "Consequences", "Alternatives"]


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_no_page_names_a_path_of_somebodys_machine(page: Path) -> None:
    assert _MACHINE_PATH.search(page.read_text("utf-8")) is None


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, dict[str, str]]]:
    """The demo, served on a port of its own; and the environment that its commands need."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BACKSTAY_")}
    environment |= {
        "BACKSTAY_DATA_FOLDER": str(tmp_path_factory.mktemp("atlas")),
        "BACKSTAY_HTTP__PORT": str(port),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ATLAS)]),
    }
    migrate = f"{COMMAND} migrate up"
    subprocess.run(["bash", "-c", migrate], cwd=ROOT, env=environment, check=True, capture_output=True)
    load = [sys.executable, "-m", "backend.load"]
    subprocess.run(load, cwd=ATLAS, env=environment, check=True, capture_output=True)
    serve = f"exec {COMMAND} dev --no-reload"
    server = subprocess.Popen(["bash", "-c", serve], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until_ready(port)
        yield port, environment
    finally:
        server.terminate()
        server.wait(20)


def wait_until_ready(port: int) -> None:
    """Returns once the demo answers."""
    deadline = time.monotonic() + 30
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5):
                return
        except URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="the lines are curl's")
@pytest.mark.parametrize("page", RUNNABLE)
def test_the_curl_lines_answer_as_printed(page: str, atlas: tuple[int, dict[str, str]]) -> None:
    port, environment = atlas
    blocks = _RUNNABLE.findall((ROOT / page).read_text("utf-8"))
    script = "\n".join([_CURL_TELLS_STATUS, "set -e", *blocks]).replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    # `make token` runs this command in the environment that `make setup` prepares; this test runs in its own.
    script = re.sub(r"make -s token EMAIL=(\S+?)( ROLE=(\w+))?\)", token_command, script)
    ran = subprocess.run(["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert [int(line) for line in ran.stderr.splitlines()] == RUNNABLE[page], ran.stdout


@pytest.mark.slow
@pytest.mark.parametrize("language", ["js", "python"])
def test_the_lines_of_clients_sign_up_and_ask_as_that_user(
    language: str, atlas: tuple[int, dict[str, str]]
) -> None:
    port, environment = atlas
    (lines,) = re.findall(
        rf"```{language}\n(import .*?)```", (ROOT / "docs" / "identity.md").read_text("utf-8"), re.DOTALL
    )
    assert len([line for line in lines.splitlines() if line.strip()]) <= 5
    lines = lines.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    keys = tomllib.loads((Path(environment["BACKSTAY_DATA_FOLDER"]) / "keys.toml").read_text("utf-8"))
    command = [sys.executable, "-c", lines]
    if language == "js":
        command = [str(node_in(CLIENT)), "--input-type=module", "--eval", lines]
    ran = subprocess.run(
        command,
        cwd=CLIENT,
        env={**environment, "PUBLISHABLE_KEY": keys["publishable_key"]},
        capture_output=True,
        text=True,
        timeout=100,
    )
    # Nobody else may name the column `cost`: without a sign-up there would be no rows at all.
    assert (ran.returncode, ran.stdout[:1]) == (0, "["), ran.stderr


def token_command(found: re.Match[str]) -> str:
    """What `make token` runs."""
    email, role = found.group(1), found.group(3)
    return f"{COMMAND} token --email {email}{f' --role {role}' if role else ''})"


def test_every_page_with_marked_lines_is_run() -> None:
    assert {page_id(page) for page in PAGES if _RUNNABLE.search(page.read_text("utf-8"))} == set(RUNNABLE)
