"""Password hashes in the database, by address.

Through the platform's own door, in one round trip: a sign-in asks before it hashes, and a session of its own for that
took as much of the event loop as three statements.
"""

from __future__ import annotations

from collections.abc import Mapping

from backstay.repositories.database import Database, Engine, Statement

_HASH: Mapping[Engine, str] = {
    "sqlite": "SELECT password_hash FROM backstay_users WHERE email_key = ?",
    "postgresql": "SELECT password_hash FROM backstay_users WHERE email_key = $1",
}


class CredentialRepository:
    """Finds what a password is compared with."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def password_hash(self, email_key: str) -> str | None:
        """The hash of whoever has that address (`Address.key`); None for nobody, and for one without a password."""
        found = await self._database.read(Statement(_HASH[self._database.engine], (email_key,)))
        return found[0][0] if found else None
