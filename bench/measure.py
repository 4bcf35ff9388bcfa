"""The measurement: rounds in which every contender does every operation for a moment, in turn.

Other work on the machine comes and goes within seconds, so contenders that are compared run right after each other,
and only ratios within a round are taken. In charge of that order and of reading clocks; what the numbers mean is for
`report.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

from bench.load import Job, Result
from bench.operations import Ask, Operation, check_alike
from bench.served import ROOT, Served, cpu_seconds

_SPARE_SECONDS = 30.0
Turn = TypeVar("Turn")


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to measure."""

    rounds: int = 5
    seconds: float = 1.5
    warmup_seconds: float = 0.4
    connections: int = 16


@dataclass(frozen=True, slots=True)
class Sample:
    """One contender doing one operation in one round; times on the processor are microseconds a request."""

    operation: str
    contender: str
    round: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    server_cpu_us: float
    database_cpu_us: float
    generator_cpu_us: float


class Stage:
    """Served contenders on one engine, and the requests for them."""

    def __init__(
        self, served: Mapping[str, Served], asks: Mapping[str, Sequence[Ask]], postgres_pid: int | None
    ) -> None:
        self.served = served
        self._asks = asks
        self._postgres_pid = postgres_pid

    def check(self) -> None:
        """Prove that both stacks do the same work.

        Raises:
            RuntimeError: their answers differ.
        """
        ports = {name: contender.port for name, contender in self.served.items()}
        for asks in self._asks.values():
            check_alike(asks, ports)

    def sample(self, operation: str, contender: str, number: int, effort: Effort) -> Sample:
        """Load one contender for a moment.

        Raises:
            RuntimeError: a request was not answered with 2xx.
        """
        served = self.served[contender]
        server, database = served.cpu_seconds(), self._database_cpu_seconds()
        result = self.load(operation, contender, effort)
        server, database = served.cpu_seconds() - server, self._database_cpu_seconds() - database
        return Sample(
            operation=operation,
            contender=contender,
            round=number,
            requests_per_second=result.count / result.seconds,
            p50_ms=result.p50_ms,
            p99_ms=result.p99_ms,
            server_cpu_us=server / result.sent * 1e6,
            database_cpu_us=database / result.sent * 1e6,
            generator_cpu_us=result.generator_cpu_us,
        )

    def load(self, operation: str, contender: str, effort: Effort) -> Result:
        """Run the load generator in its own process.

        Raises:
            RuntimeError: with what it said when it failed.
        """
        job = Job(
            port=self.served[contender].port,
            requests=[ask.encode(contender).decode("ascii") for ask in self._asks[operation]],
            connections=effort.connections,
            warmup_seconds=effort.warmup_seconds,
            seconds=effort.seconds,
        )
        try:
            done = subprocess.run(
                [sys.executable, "-m", "bench.load"],
                input=json.dumps(asdict(job)),
                capture_output=True,
                text=True,
                check=False,
                cwd=ROOT,
                timeout=effort.warmup_seconds + effort.seconds + _SPARE_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"{contender}, {operation}: a request was never answered") from error
        if done.returncode:
            raise RuntimeError(f"{contender}, {operation}: {done.stderr}")
        return Result(**json.loads(done.stdout))

    def _database_cpu_seconds(self) -> float:
        return 0.0 if self._postgres_pid is None else cpu_seconds(self._postgres_pid)


def measure(
    stage: Stage, operations: Sequence[Operation], effort: Effort, on_sample: Callable[[Sample], None]
) -> list[Sample]:
    """Every sample, each also told to `on_sample` when it is there."""
    samples = []
    for number in range(effort.rounds):
        for operation in rotated(operations, number):
            for contender in rotated(tuple(stage.served), number):
                samples.append(stage.sample(operation.name, contender, number, effort))
                on_sample(samples[-1])
    return samples


def rotated(turns: Sequence[Turn], by: int) -> Sequence[Turn]:
    """The same turns, beginning with another one, so that none always runs in the wake of the same."""
    start = by % len(turns)
    return [*turns[start:], *turns[:start]]
