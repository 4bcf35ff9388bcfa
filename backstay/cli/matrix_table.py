"""How a matrix of access, and what changed in one, look as tables: for a terminal, a pipe, or a pull request."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from rich.markup import escape

from backstay.cli.terminal import OUT, table_of
from backstay.models.access.matrix import WHOLE_ROW, Change, Effect, Matrix, Place

_EFFECTS = {
    Effect.OPENS: "opens",
    Effect.CLOSES: "closes",
    Effect.OTHER: "other rule",
}
_STYLES = {Effect.OPENS: "red", Effect.CLOSES: "green", Effect.OTHER: "yellow"}

Line = tuple[str, ...]


def show_matrix(matrix: Matrix) -> None:
    """The matrix as a table of the terminal."""
    head, lines = _grid(matrix)
    table = table_of(*head)
    for line in lines:
        table.add_row(*map(escape, line))
    OUT.print(table)


def matrix_markdown(matrix: Matrix) -> str:
    """The matrix as a table of Markdown."""
    return _markdown(*_grid(matrix))


def show_changes(changes: Sequence[Change]) -> None:
    """The differences as a table of the terminal."""
    table = table_of("", "table", "action", "column", "callers", "before", "after")
    for change in _without_repeats(changes):
        effect, *rest = _line(change)
        table.add_row(f"[{_STYLES[change.effect]}]{effect}[/]", *map(escape, rest))
    OUT.print(table)


def changes_markdown(changes: Sequence[Change]) -> str:
    """The differences as a table of Markdown."""
    return _markdown(
        ("", "table", "action", "column", "callers", "before", "after"), map(_line, _without_repeats(changes))
    )


def changes_json(changes: Sequence[Change]) -> str:
    """The differences as JSON."""
    return json.dumps(
        [
            {
                **change.place._asdict(),
                "callers": change.callers,
                "before": change.before,
                "after": change.after,
                "effect": change.effect,
            }
            for change in changes
        ],
        indent=2,
        ensure_ascii=False,
    )


def _grid(matrix: Matrix) -> tuple[Line, Iterator[Line]]:
    """Callers who may the same share a column; columns that are as open as their row are left to its line."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for caller in matrix.callers:
        key = tuple(cells.get(caller, "") for cells in matrix.cells.values())
        alike.setdefault(key, []).append(caller)
    chosen = [callers[0] for callers in alike.values()]
    head = ("table", "action", "column", *(", ".join(callers) for callers in alike.values()))
    return head, (
        (*place, *(cells.get(caller, "") for caller in chosen))
        for place, cells in matrix.cells.items()
        if place.column == WHOLE_ROW or cells != matrix.cells.get(Place(place.table, place.action, WHOLE_ROW))
    )


def _without_repeats(changes: Sequence[Change]) -> list[Change]:
    """Without what is said of the whole row already; in JSON it is all there."""
    rows = {_but_column(change) for change in changes if change.place.column == WHOLE_ROW}
    return [
        change for change in changes if change.place.column == WHOLE_ROW or _but_column(change) not in rows
    ]


def _but_column(change: Change) -> tuple[object, ...]:
    return (change.place.table, change.place.action, change.callers, change.before, change.after)


def _line(change: Change) -> Line:
    before, after = (each if each is not None else "(not there)" for each in (change.before, change.after))
    return (_EFFECTS[change.effect], *change.place, ", ".join(change.callers), before, after)


def _markdown(head: Line, lines: Iterable[Line]) -> str:
    rows = [head, tuple("---" for _ in head), *lines]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in rows)
