"""Migration files of statements that somebody else has written, such as the fixes of `backstay doctor`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alembic.util import CommandError, rev_id

from backstay.repositories.migrations.chains import Chain

# Makes room for `CONCURRENTLY`, which PostgreSQL refuses within a transaction.
_OUTSIDE = "with op.get_context().autocommit_block():"


def write_script(chain: Chain, message: str, upgrade: Sequence[str], downgrade: Sequence[str]) -> Path:
    """Write the chain's next file; each statement may be run again after it was interrupted."""
    script = chain.scripts.generate_revision(
        rev_id(),
        message,
        refresh=True,
        head="head",
        imports="",
        upgrades=_body(upgrade),
        downgrades=_body(downgrade),
    )
    if script is None:
        raise CommandError("the file could not be written")
    return Path(script.path)


def _body(statements: Sequence[str]) -> str:
    """The statements as the body of a function, each line but the first with its indent."""
    return "\n        ".join([_OUTSIDE, *statements]) if statements else ""
