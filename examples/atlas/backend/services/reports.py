"""What reports mean."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from backstay import Context, Service
from sqlalchemy import Row

from backend.repositories.reports import ReportRepository


class ReportService(Service):
    """Reports on what the caller may see."""

    def __init__(self, reports: ReportRepository) -> None:
        self.reports = reports

    async def busiest(self, ctx: Context, year: int, limit: int) -> Sequence[Row[Any]]:
        """The airports with the most trips of a year: a trip belongs to the year in which it starts."""
        return await self.reports.busiest(dt.date(year, 1, 1), dt.date(year, 12, 31), limit)
