"""`python -m bench`: start the contenders, load them in turn, print the table. The command line alone."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench import profiling, report
from bench.data import BACKSTAY, CONTENDERS
from bench.measure import Effort, Sample, measure
from bench.operations import OPERATIONS, Operation
from bench.staging import staged

FOLDER = Path(__file__).parent
NAMES = ", ".join(operation.name for operation in OPERATIONS)


class EngineChoice(StrEnum):
    """Which databases to measure on."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
    BOTH = "both"


def main(
    engine: Annotated[EngineChoice, typer.Option(help="Where the data is.")] = EngineChoice.BOTH,
    rounds: Annotated[int, typer.Option(min=1, help="How often each contender has its turn.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.2, help="How long a turn is, after its warm-up.")] = 1.5,
    connections: Annotated[int, typer.Option(min=1, max=256, help="Open at once, one request on each.")] = 16,
    only: Annotated[list[str] | None, typer.Option(help=f"One of: {NAMES}. May be repeated.")] = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="Sample Backstay with py-spy instead of comparing.")
    ] = False,
) -> None:
    """Measure Backstay beside the same endpoints written by hand, and beside FastAPI's hello world.

    Each contender is one server process on 127.0.0.1, with uvloop and httptools, on its own copy of the same
    rows. First a few requests of each kind are sent to both stacks and their documents compared. Then the
    contenders take turns under the same load; ratios are taken within a round and the median is shown.

    Compare ratios between runs, never requests per second: other work on the machine moves those, and hits all
    contenders of a round alike.

    Writes bench/results-ENGINE.json, or with --profile bench/profile-ENGINE-OPERATION.txt.

    Examples: `python -m bench --engine sqlite --rounds 3`, `python -m bench --only get --only list`,
    `python -m bench --profile --only get --engine postgresql --seconds 5`.
    """
    operations = _chosen(only)
    effort = Effort(rounds=rounds, seconds=seconds, connections=connections)
    engines = [
        choice for choice in (EngineChoice.SQLITE, EngineChoice.POSTGRESQL) if engine in (choice, "both")
    ]
    console = Console(width=max(Console().width, 140))
    try:
        for one in engines:
            (_profile if profile else _compare)(console, one.value, operations, effort)
    except RuntimeError as error:
        console.print(f"[red]stopped[/red]: {error}", highlight=False)
        raise typer.Exit(1) from error


def _chosen(only: list[str] | None) -> list[Operation]:
    unknown = set(only or ()) - {operation.name for operation in OPERATIONS}
    if unknown:
        raise typer.BadParameter(
            f"no operation {', '.join(sorted(unknown))}; there are {NAMES}", param_hint="--only"
        )
    return [operation for operation in OPERATIONS if not only or operation.name in only]


def _compare(console: Console, engine: str, operations: list[Operation], effort: Effort) -> None:
    turns = effort.rounds * len(operations) * len(CONTENDERS)
    with (
        console.status(f"{engine}: filling the databases") as status,
        staged(engine, operations, CONTENDERS) as stage,
    ):
        stage.check()
        done = 0

        def tell(sample: Sample) -> None:
            nonlocal done
            done += 1
            status.update(f"{engine}: {done} of {turns} turns, {sample.contender} {sample.operation}")

        samples = measure(stage, operations, effort, tell)
    lines = report.summarise(samples)
    file = FOLDER / f"results-{engine}.json"
    report.write_results(file, engine, effort, lines, samples)
    console.print(report.table(lines, operations, engine, effort))
    console.print(f"written to {file}", highlight=False)


def _profile(console: Console, engine: str, operations: list[Operation], effort: Effort) -> None:
    with staged(engine, operations, (BACKSTAY,), profiling.PATIENT) as stage:
        for operation in operations:
            file = FOLDER / f"profile-{engine}-{operation.name}.txt"
            found = profiling.profile(stage, operation.name, effort, file)
            console.print(profiling.table(found, f"{engine}, {operation.title}"))
            console.print(f"folded stacks in {file}", highlight=False)


if __name__ == "__main__":
    typer.run(main)
