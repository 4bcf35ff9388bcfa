"""`backstay eject`: a table's own controller, service, repository and tests, in the project, to be changed at will."""

from __future__ import annotations

import difflib
import keyword
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from backstay.app import Backstay
from backstay.app.tables import file_of
from backstay.cli.ejected_classes import KINDS, class_text
from backstay.cli.ejected_tests import tests_of
from backstay.cli.project import PACKAGE, load_app
from backstay.cli.terminal import OUT
from backstay.errors import ConfigurationError


def eject(
    context: typer.Context,
    tables: Annotated[list[str] | None, typer.Argument(help="Names of tables.", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="Every table that is not ejected yet.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and stop.")] = False,
) -> None:
    """Write the code that serves a table into the project, where it can be read and changed.

    It is the code that runs now: a controller (what a request means), a service (reads and writes, for every door), a
    repository (statements), and tests of the table's addresses. The API stays what it is until a line is changed. Delete
    a file, and the generated code takes its place again. No file is overwritten.

    Examples:

        backstay eject trips

        backstay eject trips reviews --dry-run

        backstay eject --all
    """
    app = load_app(context.obj)
    if every and tables:
        raise typer.BadParameter("names every table already", param_hint="--all")
    if not every and not tables:
        raise typer.BadParameter("name a table, or say --all")
    chosen = _chosen(app, tables or [])
    files = {path: text for table in chosen for path, text in _files(app, table)}
    if not dry_run:
        _write(files)
    for path in files:
        OUT.print(f"{'would write' if dry_run else 'wrote'} {path.relative_to(app.project)}", markup=False)
    if files and not dry_run:
        OUT.print("Nothing has changed yet. Deleting these files returns to the generated code.")
    if not files:
        OUT.print("Every table is ejected already.")


def _chosen(app: Backstay, tables: list[str]) -> list[str]:
    """The tables to eject.

    Raises:
        ConfigurationError: for each name that no table has, and each table that is ejected already.
    """
    known = app.catalog.resources
    if not tables:
        return [name for name in known if not app.own.of(name)]
    wrong = []
    for table in dict.fromkeys(tables):
        if table not in known:
            near = difflib.get_close_matches(table, known, n=3)
            perhaps = ", ".join(near or known)
            wrong.append(f"there is no table '{table}'; {'perhaps' if near else 'there are'}: {perhaps}")
        elif own := app.own.of(table):
            places = ", ".join(_place(app, file_of(each)) for each in own)
            wrong.append(f"'{table}' has code of its own already: {places}")
    if wrong:
        raise ConfigurationError(wrong)
    return list(dict.fromkeys(tables))


def _place(app: Backstay, file: str) -> str:
    path = Path(file)
    return str(path.relative_to(app.project)) if path.is_relative_to(app.project) else file


def _files(app: Backstay, table: str) -> Iterator[tuple[Path, str]]:
    """Where a table's files go, with their texts; and the beginnings of rooms that are not there."""
    stem = re.sub(r"\W", "_", table)
    if not stem.isidentifier() or keyword.iskeyword(stem):
        stem = f"table_{stem}"
    rooms = {kind.room: (stem, class_text(table, kind)) for kind in KINDS}
    rooms["tests"] = (f"test_{stem}", tests_of(app.catalog.resources[table], app.catalog, PACKAGE))
    for room, (name, text) in rooms.items():
        folder = app.folder / room
        if not (folder / "__init__.py").exists():
            yield folder / "__init__.py", f'"""The {room} of the project."""\n'
        is_taken = (folder / f"{name}.py").exists() or (folder / name).is_dir()
        yield folder / (f"{name}_table.py" if is_taken else f"{name}.py"), text


def _write(files: dict[Path, str]) -> None:
    """Write all files or none.

    Raises:
        ConfigurationError: for one that is there already, or cannot be written.
    """
    there = [path for path in files if path.exists()]
    if there:
        raise ConfigurationError([f"{path} is there already, and is not overwritten" for path in there])
    written: list[Path] = []
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise ConfigurationError([f"{error.filename} cannot be written: {error.strerror}"]) from error
