"""What commands share in speaking to a person: two consoles, and how problems are told."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

OUT = Console(highlight=False, soft_wrap=True)
ERR = Console(stderr=True, highlight=False, soft_wrap=True)


def problems(sentences: Sequence[str]) -> None:
    """One line for each problem."""
    for sentence in sentences:
        ERR.print("[bold red]error:[/] ", end="")
        ERR.print(sentence, markup=False)
