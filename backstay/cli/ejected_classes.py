"""The text of a table's own controller, service and repository: the very source of the generic ones.

In charge of copying methods under a class of one table, and of importing what they name. What a user gets is what ran
before, so the two cannot drift apart.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from backstay.controllers.resources.table_controller import TableController
from backstay.models.resources.of_table import OfTable
from backstay.repositories.resources.fetch import TableRepository
from backstay.services.resources.table_service import TableService

# From here the files import what is ours.
BLOCKS = "backstay.tables"
_LINE = 110
_ORIGIN = "Written by `backstay eject`. Without this file the generated code, which this was, takes its place again."


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the three classes of a table.

    Attributes:
        room: the folder of the user's package.
        suffix: what the class is called after the table.
        methods: those that are copied; the others are what they are built with.
        about, says: docstrings of the file and of the class.
    """

    base: type[OfTable]
    room: str
    suffix: str
    methods: tuple[str, ...]
    about: str
    says: str


KINDS = (
    Kind(
        TableController,
        "controllers",
        "Controller",
        ("find", "insert", "update", "delete", "show", "change", "replace", "remove", "set_columns"),
        "Requests to `{table}` and to its rows: what was asked becomes a question or a write, what comes back an answer.",
        "Requests to `/rest/v1/{table}` and `/rest/v1/{table}/{{id}}`, alone or in a batch.",
    ),
    Kind(
        TableService,
        "services",
        "Service",
        (
            "read", "read_after", "read_keys", "find", "insert", "update", "delete", "insert_with_hooks", "run",
        ),
        "Reading and writing `{table}`, whichever door a request comes through.",
        "Reads and writes of `{table}`. The access rules are in the plans.",
    ),
    Kind(
        TableRepository,
        "repositories",
        "Repository",
        ("read", "read_keys", "find", "write"),
        "`{table}` in the database: plans become statements, and are run.",
        "Runs the plans of `{table}`. SQL of your own has no access rules but those that you put in.",
    ),
)  # fmt: skip


def class_name(table: str, kind: Kind) -> str:
    """What the class of a table is called."""
    words = "".join(c if c.isalnum() else " " for c in table).split()
    name = "".join(word[0].upper() + word[1:] for word in words) + kind.suffix
    return name if name.isidentifier() else f"Table{name}"


def class_text(table: str, kind: Kind) -> str:
    """The file of a table's class."""
    module = sys.modules[kind.base.__module__]
    source = inspect.getsource(module)
    tree = ast.parse(source)
    methods = list(_methods(tree, kind))
    lines = source.splitlines()
    bodies = ["\n".join(lines[node.lineno - 1 : node.end_lineno]) for node in methods]
    about = f'"""{kind.about.format(table=table)}\n\n{_ORIGIN}\n"""'
    parts = [
        about,
        "from __future__ import annotations",
        *_imports(tree, methods, kind),
    ]
    name, base = class_name(table, kind), kind.base.__name__
    head = f'class {name}({base}, table="{table}"):\n    """{kind.says.format(table=table)}"""\n\n'
    return "\n\n".join(parts) + "\n\n\n" + head + "\n\n".join(bodies) + "\n"


def _methods(tree: ast.Module, kind: Kind) -> Iterator[ast.AsyncFunctionDef]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == kind.base.__name__:
            for part in node.body:
                if isinstance(part, ast.AsyncFunctionDef) and part.name in kind.methods:
                    yield part


def _imports(tree: ast.Module, methods: Iterable[ast.AST], kind: Kind) -> list[str]:
    """The imports of what the methods name: the standard library's, then ours."""
    used = {each.id for method in methods for each in ast.walk(method) if isinstance(each, ast.Name)}
    places = dict(_places(tree, kind.base.__module__))
    standard: dict[str, set[str]] = {}
    ours: dict[str, set[str]] = {"backstay": {kind.base.__name__}}
    for name in used & places.keys():
        place = places[name]
        if place.partition(".")[0] == "backstay":
            ours.setdefault("backstay" if name in _public() else BLOCKS, set()).add(name)
        else:
            standard.setdefault(place, set()).add(name)
    return [_import_text(some) for some in (standard, ours) if some]


def _places(tree: ast.Module, module: str) -> Iterator[tuple[str, str]]:
    """Every name of a module's top with the module that it is from."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, str(node.module)) for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, module


def _public() -> frozenset[str]:
    """What users import from `backstay` itself, without importing it, since it imports us."""
    tree = ast.parse((Path(__file__).parents[1] / "__init__.py").read_text("utf-8"))
    return frozenset(
        alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    )


def _import_text(modules: Mapping[str, set[str]]) -> str:
    lines = []
    for module, names in sorted(modules.items()):
        listed = sorted(names, key=_order)
        line = f"from {module} import {', '.join(listed)}"
        if len(line) > _LINE:
            line = f"from {module} import (\n" + "".join(f"    {name},\n" for name in listed) + ")"
        lines.append(line)
    return "\n".join(lines)


def _order(name: str) -> tuple[int, str]:
    """Constants, classes, functions: as ruff and isort sort them."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2, name)
