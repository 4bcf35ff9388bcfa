"""Text as a literal, which TypeScript and Python spell alike."""

from __future__ import annotations

import json


def quoted(text: str) -> str:
    """In double quotes; in single ones where that spares backslashes, as the formatters of both languages have it."""
    literal = json.dumps(text, ensure_ascii=False)
    if '"' in text and "'" not in text:
        inner = literal[1:-1].replace('\\"', '"')
        return f"'{inner}'"
    return literal
