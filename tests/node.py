"""Node, and the packages of a folder as its lock file says; they stay in the folder for the next run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAMS = Path(sys.executable).parent


def node_in(folder: Path) -> Path:
    """The `node` program, once the folder's packages are there."""
    stamp, lock = folder / "node_modules" / ".package-lock.json", folder / "package-lock.json"
    if not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(
            [PROGRAMS / "npm", "ci", "--ignore-scripts"],
            cwd=folder, check=True, capture_output=True, timeout=300,
        )  # fmt: skip
    return PROGRAMS / "node"
