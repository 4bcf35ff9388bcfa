"""Keys for development: made once, kept in the data folder, so that tokens outlive a restart. Never used elsewhere."""

from __future__ import annotations

import os
import secrets
import tomllib
from pathlib import Path

KEYS = ("secret", "publishable_key", "secret_key")
KEYS_FILE = "keys.toml"


def development_keys(folder: Path) -> dict[str, str]:
    """The keys in `folder`, which only its owner can read; made there if it has none.

    Raises:
        OSError: the folder cannot be written.
        ValueError: the file holds something else.
    """
    file = folder / KEYS_FILE
    if not file.exists():
        _write(file)
    keys = tomllib.loads(file.read_text("utf-8"))
    if any(not isinstance(keys.get(name), str) for name in KEYS):
        raise ValueError(f"does not hold {', '.join(KEYS)}")
    return keys


def _write(file: Path) -> None:
    """Complete or not at all: of processes that start together, the first gives the others its keys."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f".{KEYS_FILE}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(
                "# Keys of this development environment. Production gets its own from secret files.\n"
                f'secret = "{secrets.token_urlsafe(48)}"\n'
                f'publishable_key = "sb_publishable_{secrets.token_urlsafe(24)}"\n'
                f'secret_key = "sb_secret_{secrets.token_urlsafe(32)}"\n'
            )
        os.link(draft, file)
    except FileExistsError:
        return
    finally:
        draft.unlink()
