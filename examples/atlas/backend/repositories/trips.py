"""The queries of trips. Each finds only rows that its caller may read."""

import datetime as dt

from backstay import Repository
from sqlalchemy import Select

from backend.models.trips import Trip


class TripRepository(Repository):
    """Questions about trips."""

    def starting_within(self, days: int) -> Select[Trip]:
        """Trips that start today or within so many days."""
        today = dt.datetime.now(dt.UTC).date()
        last = today + dt.timedelta(min(max(days, 0), 3650))
        return (
            self.readable(Trip).where(Trip.starts_on.between(today, last)).order_by(Trip.starts_on, Trip.id)
        )
