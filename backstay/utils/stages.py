"""Stages of one piece of work: who finished when, for those who want to see where the time goes."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

STAGES = "backstay.stages"


def mark(state: Mapping[str, Any], stage: str) -> None:
    """Note that `stage` (a token: letters, digits, `-`, `_`) ends now. Costs one lookup where nobody measures."""
    stages = state.get(STAGES)
    if stages is not None:
        stages.append((stage, perf_counter()))
