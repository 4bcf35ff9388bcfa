"""Reports the longest functions and files of the package, so that the tail of their lengths stays short.

Exits with 1 when a limit is passed: 400 lines for a file, 60 for a function.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE_LIMIT = 400
FUNCTION_LIMIT = 60
SHOWN = 5


def files(package: Path) -> Iterator[tuple[int, str]]:
    """Length and path of every Python file."""
    for path in sorted(package.rglob("*.py")):
        yield len(path.read_text("utf-8").splitlines()), str(path.relative_to(package.parent))


def functions(package: Path) -> Iterator[tuple[int, str]]:
    """Length and place of every function, its decorators and docstring included."""
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                length = (node.end_lineno or node.lineno) - first + 1
                yield length, f"{path.relative_to(package.parent)}:{node.lineno} {node.name}"


def too_long(package: Path) -> list[str]:
    """What passes its limit."""
    over = [(size, name, FILE_LIMIT) for size, name in files(package) if size > FILE_LIMIT]
    over += [(size, name, FUNCTION_LIMIT) for size, name in functions(package) if size > FUNCTION_LIMIT]
    return [f"{name}: {size} lines, the limit is {limit}" for size, name, limit in over]


def report(package: Path) -> str:
    """The longest of each kind, and the share that stays under what we aim for."""
    lines = []
    for kind, aim, measured in (
        ("files", 300, sorted(files(package), reverse=True)),
        ("functions", 25, sorted(functions(package), reverse=True)),
    ):
        within = sum(size <= aim for size, _ in measured)
        lines.append(f"longest {kind} ({within} of {len(measured)} within {aim} lines):")
        lines += [f"  {size:4}  {name}" for size, name in measured[:SHOWN]]
    return "\n".join(lines)


def main() -> int:
    """Print the report; 1 when something is too long."""
    package = ROOT / "backstay"
    print(report(package))
    problems = too_long(package)
    for problem in problems:
        print(f"too long: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
