"""Every table's service: that of its own, where the application has one, or the generic one."""

from __future__ import annotations

from collections.abc import Mapping

from backstay.services.resources.plans import Plans
from backstay.services.resources.table_service import TableService


class Tables:
    """The services of one application.

    Attributes:
        alone: tables whose reads are code of the user's, so that none can be part of another statement.

    Args:
        own: by table: every service that is not the generic one, or has a repository that is not.
    """

    def __init__(self, plans: Plans, generic: TableService, own: Mapping[str, TableService]) -> None:
        self.plans = plans
        self.alone = frozenset(own)
        self._generic = generic
        self._own = own

    def of(self, table: str) -> TableService:
        """The service of a table, or of a name that no table has: what that is, its plans tell the caller."""
        return self._own.get(table, self._generic)
