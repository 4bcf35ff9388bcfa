"""The house keeps its shape: layers, room sizes, one commit, short tails, and a public API that changes on purpose."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

import backstay
from tools import longest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "backstay"
MOST_UTILS = 12

# What users may import from `backstay`. A change here is a change of the public API: say so in CHANGELOG.md.
PUBLIC = {
    "Access",
    "Backstay",
    "BackstayError",
    "Context",
    "Current",
    "Event",
    "Events",
    "FieldProblem",
    "File",
    "Model",
    "Records",
    "ApplicationError",
    "Repository",
    "Search",
    "Service",
    "Stream",
    "TableController",
    "TableRepository",
    "TableService",
    "Upload",
    "Use",
    "User",
    "action",
    "caller",
    "primary_key",
    "requires",
}
ROOMS = {
    "app",
    "cli",
    "config",
    "controllers",
    "errors",
    "middleware",
    "models",
    "repositories",
    "routes",
    "services",
    "tables",
    "testing",
    "utils",
}


def sources(folder: Path = PACKAGE) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*.py")):
        yield path.relative_to(ROOT), path.read_text("utf-8")


def imported(text: str) -> set[str]:
    """Whole names of the modules that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_every_import_contract_holds(capsys: pytest.CaptureFixture[str]) -> None:
    status = lint_imports(config_filename=str(ROOT / ".importlinter"), no_cache=True)
    assert status == 0, capsys.readouterr().out


def test_contracts_have_no_exceptions() -> None:
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter")
    for name in contracts.sections():
        assert "ignore_imports" not in contracts[name], name
        assert "exhaustive_ignores" not in contracts[name], name
    assert contracts["importlinter:contract:layers"]["exhaustive"] == "True"


def test_there_is_no_room_but_those_of_the_design() -> None:
    found = {
        path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert found - {"__init__"} == ROOMS


def test_utils_stay_few_and_import_the_standard_library_alone() -> None:
    files = list(sources(PACKAGE / "utils"))
    assert len([path for path, _ in files if path.name != "__init__.py"]) <= MOST_UTILS
    for path, text in files:
        foreign = {name for name in imported(text) if name.partition(".")[0] not in sys.stdlib_module_names}
        assert not foreign, path


def test_commit_is_spelled_once() -> None:
    places = [str(path) for path, text in sources() for _ in re.finditer(r"\.commit\(", text)]
    assert len(places) == 1, places


@pytest.mark.parametrize("word", ["Manager", "Helper", "Util", "common", "misc"])
def test_nothing_is_named_for_being_left_over(word: str) -> None:
    for path, text in sources():
        assert word.lower() not in path.stem.lower().split("_"), path
        names = [node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)]
        assert not [name for name in names if name.endswith(word)], path


def test_no_file_and_no_function_is_too_long() -> None:
    assert longest.too_long(PACKAGE) == []


def test_every_module_says_what_it_is_in_charge_of() -> None:
    silent = [
        str(path) for path, text in sources() if text.strip() and ast.get_docstring(ast.parse(text)) is None
    ]
    assert silent == []


def test_only_the_loader_reads_the_environment() -> None:
    readers = [str(path) for path, text in sources() if re.search(r"\bos\.(environ|getenv)\b", text)]
    assert readers == ["backstay/config/loader.py"]


def test_middleware_is_plain_asgi() -> None:
    for path, text in sources():
        assert "BaseHTTPMiddleware" not in text, path


def test_the_package_imports_its_own_modules_not_its_public_face() -> None:
    for path, text in sources():
        assert "backstay" not in imported(text), path


def test_the_public_names_are_these() -> None:
    assert set(backstay.__all__) == PUBLIC
    assert all(hasattr(backstay, name) for name in PUBLIC)


def test_types_are_shipped_and_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert (PACKAGE / "py.typed").exists()
    assert project["tool"]["mypy"]["strict"] is True
    assert project["tool"]["pytest"]["filterwarnings"][0] == "error"
    assert f"[{project['project']['version']}]" in (ROOT / "CHANGELOG.md").read_text(
        "utf-8"
    ) or "Unreleased" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_what_is_imported_is_declared() -> None:
    """A package that arrives only because another one brings it can leave without notice."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = [*project["dependencies"], *project.get("optional-dependencies", {}).get("testing", [])]
    names = {re.split(r"[^\w-]", line, maxsplit=1)[0].replace("-", "_").lower() for line in declared}
    modules = {name.partition(".")[0] for _, text in sources() for name in imported(text)}
    modules -= set(sys.stdlib_module_names) | {"backstay"}
    provided_by = {
        "argon2": "argon2_cffi",
        "re2": "google_re2",
        "graphql": "graphql_core",
        "pydantic_core": "pydantic",
    }
    missing = {module for module in modules if provided_by.get(module, module) not in names}
    assert missing == set()
