"""Several reads as one statement, whichever tables they are of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backstay.models.access.caller import Caller
from backstay.models.resources.plan import JointPlan
from backstay.repositories.database import Database
from backstay.repositories.resources.statements import Statements


class JointReads:
    """Runs them."""

    def __init__(self, database: Database, statements: Statements) -> None:
        self.database = database
        self.statements = statements

    async def read(self, plan: JointPlan, values: Sequence[Any], caller: Caller) -> list[bytes]:
        """The JSON array of each.

        Raises:
            BackstayError: as `TableRepository.read`.
        """
        statement = self.statements.joint(plan).bind(values, caller)
        rows = await self.database.read(statement)
        return [text.encode() for text in rows[0]]
