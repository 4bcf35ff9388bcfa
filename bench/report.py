"""What the samples mean: medians, ranges and ratios, as a table and as a file.

A ratio is taken within a round, where both sides met the same machine, and then the median over the rounds.
"""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from rich.table import Table

from bench.data import BACKSTAY, HAND_WRITTEN, HELLO
from bench.measure import Effort, Sample
from bench.operations import Operation

_PACKAGES = (
    "fastapi",
    "starlette",
    "pydantic",
    "sqlalchemy",
    "asyncpg",
    "aiosqlite",
    "uvicorn",
    "uvloop",
    "httptools",
)


@dataclass(frozen=True, slots=True)
class Spread:
    """A median and the range over the rounds."""

    median: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Line:
    """One contender's operation. The ratios are requests per second over the other's, None without the other."""

    operation: str
    contender: str
    requests_per_second: Spread
    p50_ms: Spread
    p99_ms: Spread
    server_cpu_us: Spread
    database_cpu_us: Spread
    generator_cpu_us: Spread
    over_hand_written: Spread | None
    over_hello_world: Spread | None


def summarise(samples: Sequence[Sample]) -> list[Line]:
    """A line for each operation and contender, in the order of the first round."""
    pairs = dict.fromkeys((sample.operation, sample.contender) for sample in samples)
    return [_line(samples, operation, contender) for operation, contender in pairs]


def table(lines: Sequence[Line], operations: Sequence[Operation], engine: str, effort: Effort) -> Table:
    """For the terminal."""
    drawn = Table(
        title=f"{engine}: median of {effort.rounds} rounds (least to most), {effort.connections} connections"
    )
    for name in ("operation", "contender"):
        drawn.add_column(name, no_wrap=True)
    for name in (
        "requests/s",
        "p99 ms",
        "server µs",
        "database µs",
        f"× {HAND_WRITTEN}",
        f"× {HELLO}",
    ):
        drawn.add_column(name, justify="right", no_wrap=True)
    found = {(line.operation, line.contender): line for line in lines}
    for operation in operations:
        for contender in (BACKSTAY, HAND_WRITTEN, HELLO):
            if (operation.name, contender) in found:
                drawn.add_row(*_cells(found[operation.name, contender], operation.title, engine))
        drawn.add_section()
    drawn.caption = "server µs, database µs: time on the processor for one request"
    return drawn


def write_results(
    file: Path, engine: str, effort: Effort, lines: Sequence[Line], samples: Sequence[Sample]
) -> None:
    """Everything that was measured, and on what."""
    document = {
        "engine": engine,
        "effort": asdict(effort),
        "machine": _machine(),
        "lines": [asdict(line) for line in lines],
        "samples": [asdict(sample) for sample in samples],
    }
    file.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def _line(samples: Sequence[Sample], operation: str, contender: str) -> Line:
    own = [sample for sample in samples if (sample.operation, sample.contender) == (operation, contender)]
    return Line(
        operation,
        contender,
        requests_per_second=_spread([sample.requests_per_second for sample in own]),
        p50_ms=_spread([sample.p50_ms for sample in own]),
        p99_ms=_spread([sample.p99_ms for sample in own]),
        server_cpu_us=_spread([sample.server_cpu_us for sample in own]),
        database_cpu_us=_spread([sample.database_cpu_us for sample in own]),
        generator_cpu_us=_spread([sample.generator_cpu_us for sample in own]),
        over_hand_written=_ratio(samples, own, HAND_WRITTEN),
        over_hello_world=_ratio(samples, own, HELLO),
    )


def _ratio(samples: Sequence[Sample], own: Sequence[Sample], other: str) -> Spread | None:
    others = {(sample.operation, sample.round): sample for sample in samples if sample.contender == other}
    met = [(sample, others.get((sample.operation, sample.round))) for sample in own]
    ratios = [
        sample.requests_per_second / rival.requests_per_second for sample, rival in met if rival is not None
    ]
    return _spread(ratios) if ratios else None


def _spread(values: Sequence[float]) -> Spread:
    return Spread(median(values), min(values), max(values))


def _cells(line: Line, title: str, engine: str) -> list[str]:
    rate = line.requests_per_second
    return [
        title if line.contender == BACKSTAY else "",
        line.contender,
        f"{rate.median:,.0f} ({rate.least:,.0f} to {rate.most:,.0f})",
        f"{line.p99_ms.median:.2f}",
        f"{line.server_cpu_us.median:,.0f}",
        f"{line.database_cpu_us.median:,.0f}" if engine == "postgresql" else "-",
        _times(line.over_hand_written if line.contender == BACKSTAY else None),
        _times(line.over_hello_world if line.contender == BACKSTAY else None),
    ]


def _times(ratio: Spread | None) -> str:
    return "" if ratio is None else f"{ratio.median:.1f} ({ratio.least:.1f} to {ratio.most:.1f})"


def _machine() -> dict[str, object]:
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "sqlite": sqlite3.sqlite_version,
        **{package: version(package) for package in _PACKAGES},
    }
