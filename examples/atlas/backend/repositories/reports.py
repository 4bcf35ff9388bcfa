"""The queries of reports. Each counts only rows that its caller may read."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from backstay import Repository
from sqlalchemy import Row, func, select

from backend.models.airports import Airport
from backend.models.trips import Trip


class ReportRepository(Repository):
    """Sums over trips."""

    async def busiest(
        self, first_day: dt.date, last_day: dt.date, limit: int
    ) -> Sequence[Row[tuple[str, str | None, str, str | None, str, int]]]:
        """Airports with the number of readable trips that start in those days, the busiest first, then by code."""
        trips: Any = func.count(Trip.id).label("trips")
        statement = (
            select(Airport.icao, Airport.iata, Airport.name, Airport.city, Airport.country_code, trips)
            .join(Trip, Trip.airport_code == Airport.icao)
            .where(self.may_read(Trip), self.may_read(Airport))
            .where(Trip.starts_on.between(first_day, last_day))
            .group_by(Airport.icao)
            .order_by(trips.desc(), Airport.icao)
            .limit(limit)
        )
        return (await self.session.execute(statement)).all()
