"""What `backstay doctor` finds: a stable code, how bad it is, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """A warning is to be mended; an information is to be weighed."""

    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Fix:
    """The statements of a migration that mend a finding, and undo it, as they stand in the file."""

    upgrade: tuple[str, ...]
    downgrade: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        columns: of the table; for an index, its own.
        problem: what it costs, in a sentence.
        advice: what to do in the models, or by hand.
        fix: None for what no migration mends.
    """

    code: str
    level: Level
    table: str
    columns: tuple[str, ...]
    problem: str
    advice: str
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was found, warnings first; and what could not be looked at."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What is to be mended."""
        return tuple(finding for finding in self.findings if finding.level is Level.WARNING)
