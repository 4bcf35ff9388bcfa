"""Where the time of one operation goes inside the Backstay server, sampled from outside by py-spy.

In charge of starting py-spy beside the load and of adding up its stacks. py-spy is not among the development
packages: `pip install py-spy`; it may need the right to trace other processes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from rich.table import Table

from bench.data import BACKSTAY
from bench.measure import Effort, Stage

# py-spy stops the server for each sample, and a read that seems slow would leave the event loop for a thread.
PATIENT = {"BACKSTAY_DATABASE__INLINE_READ_MILLISECONDS": "1000"}
_SAMPLES_PER_SECOND = 400


@dataclass(frozen=True, slots=True)
class Place:
    """One function: the share of samples in which it ran itself, and in which it was on the stack."""

    name: str
    own: float
    total: float


def profile(stage: Stage, operation: str, effort: Effort, file: Path) -> list[Place]:
    """Load the Backstay server and sample it; folded stacks go to `file`, for speedscope or flamegraph.pl.

    Raises:
        RuntimeError: py-spy is not there or not allowed.
    """
    program = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")
    if program is None:
        raise RuntimeError("--profile needs py-spy: pip install py-spy")
    served = stage.served[BACKSTAY]
    warm = replace(effort, seconds=effort.warmup_seconds)
    stage.load(operation, BACKSTAY, warm)
    spy = subprocess.Popen(
        [
            program, "record", "--pid", str(served.pid), "--duration", str(max(1, round(effort.seconds))),
            "--rate", str(_SAMPLES_PER_SECOND), "--format", "raw", "--output", str(file),
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    stage.load(operation, BACKSTAY, replace(effort, seconds=effort.seconds + effort.warmup_seconds))
    _, complaint = spy.communicate()
    if spy.returncode:
        raise RuntimeError(f"py-spy failed:\n{complaint}")
    return places(file.read_text("utf-8").splitlines())


def places(stacks: Iterable[str]) -> list[Place]:
    """Functions of folded stacks (`outer;inner 12` a line), the ones that ran most themselves first."""
    own: Counter[str] = Counter()
    total: Counter[str] = Counter()
    samples = 0
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        frames = [_without_line(frame) for frame in stack.split(";")]
        own[frames[-1]] += int(count)
        for frame in set(frames):
            total[frame] += int(count)
        samples += int(count)
    return [Place(name, own[name] / samples, total[name] / samples) for name, _ in total.most_common()]


def table(found: Iterable[Place], title: str, rows: int = 40) -> Table:
    """For the terminal."""
    drawn = Table(title=title)
    for name in ("own %", "total %"):
        drawn.add_column(name, justify="right")
    drawn.add_column("function")
    for place in sorted(found, key=lambda place: place.own, reverse=True)[:rows]:
        drawn.add_row(f"{place.own:.1%}", f"{place.total:.1%}", place.name)
    return drawn


def _without_line(frame: str) -> str:
    """`call (file.py:12)` without the line, so that a function is one place."""
    name, bracket, place = frame.partition(" (")
    return f"{name} ({place.rpartition(':')[0]})" if bracket and ":" in place else frame
