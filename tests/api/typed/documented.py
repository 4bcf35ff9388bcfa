"""What the page about typed clients shows: programs that must compile with the atlas's types."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "typed-clients.md"
ATLAS = ROOT / "examples" / "atlas" / "clients"


def compiled_example(language: str) -> str:
    """The one program in that language."""
    (example,) = re.findall(
        rf"<!-- compiled: {language} -->\n```\w+\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL
    )
    return str(example)
