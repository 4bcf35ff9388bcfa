"""What trips mean beyond their rows."""

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from backstay import (
    ApplicationError,
    BackstayError,
    Context,
    FieldProblem,
    Records,
    Service,
    action,
    caller,
)
from sqlalchemy import Select

from backend.models.trips import Trip
from backend.repositories.trips import TripRepository

LONGEST_DAYS_AHEAD = 3 * 365


class TripIsOverError(ApplicationError, code="trip_is_over", kind="conflict"):
    """This trip is over."""


class TripService(Service, model=Trip):
    """Trips are planned within reason, and shown to others only while they are something to look forward to."""

    def __init__(self, trips: TripRepository, records: Records) -> None:
        self.trips = trips
        self.records = records

    async def before_create(self, ctx: Context, values: dict[str, Any]) -> None:
        """A title without spaces around it; a trip without one is named for its airport."""
        values["title"] = (values.get("title") or "").strip() or f"To {values['airport_code']}"

    async def validate(self, ctx: Context, values: Mapping[str, Any]) -> None:
        """Nobody plans a trip that starts in the far future."""
        starts_on = values["starts_on"]
        if (starts_on - dt.datetime.now(dt.UTC).date()).days > LONGEST_DAYS_AHEAD:
            problem = FieldProblem("starts_on", "range", "must be within three years")
            raise BackstayError("validation_failed", details=[problem])

    @action(rule=caller.is_authenticated)
    async def publish(self, ctx: Context, trip_id: UUID) -> Trip:
        """Show a trip to everyone. Only its owner can, and only until it is over."""
        trip = await self.records.find(Trip, trip_id)
        if (
            trip is not None
            and trip.starts_on + dt.timedelta(trip.nights or 0) < dt.datetime.now(dt.UTC).date()
        ):
            raise TripIsOverError(hint="Plan another one.")
        return await self.records.update(Trip, trip_id, {"public": True})

    @action(method="GET", rule=True, rows=Trip)
    async def upcoming(self, ctx: Context, days: int = 30) -> Select[Trip]:
        """Trips that start in the next days, the soonest first, as far as the caller may read them."""
        return self.trips.starting_within(days)
