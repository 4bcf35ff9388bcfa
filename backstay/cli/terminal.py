"""What commands share in speaking to a person: two consoles, tables, and how problems are told."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, ConsoleOptions
from rich.table import Column, Table

_UNBOUNDED_COLUMNS = 100_000


class _Output(Console):
    """A console that is as wide as its lines where it is no terminal: what a program reads must not be cut."""

    @property
    def options(self) -> ConsoleOptions:
        """How things are drawn."""
        options = super().options
        return options if self.file.isatty() else options.update(width=_UNBOUNDED_COLUMNS)


OUT = _Output(highlight=False, soft_wrap=True)
ERR = _Output(stderr=True, highlight=False, soft_wrap=True)


def table_of(*names: str, show_lines: bool = False) -> Table:
    """An empty table with those columns. A narrow terminal breaks its words rather than cutting them."""
    return Table(*[Column(name, overflow="fold") for name in names], show_lines=show_lines)


def problems(sentences: Sequence[str]) -> None:
    """One line for each problem."""
    for sentence in sentences:
        ERR.print("[bold red]error:[/] ", end="")
        ERR.print(sentence, markup=False)
