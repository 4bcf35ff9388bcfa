"""`/reports`: sums over what the caller may read."""

from typing import Annotated

from backstay import Current, Use
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from backend.services.reports import ReportService

router = APIRouter(prefix="/reports", tags=["reports"])


class BusyAirport(BaseModel):
    """An airport and how many trips of the year lead there, as far as the caller may read them."""

    model_config = ConfigDict(from_attributes=True)

    icao: str
    iata: str | None
    name: str
    city: str | None
    country_code: str
    trips: int


@router.get("/busiest", summary="The airports with the most trips of a year")
async def busiest(
    ctx: Current,
    reports: Use[ReportService],
    year: Annotated[int, Query(ge=1900, le=2100, description="The year in which a trip starts.")],
    limit: Annotated[int, Query(ge=1, le=100, description="Most airports to return.")] = 10,
) -> list[BusyAirport]:
    """Counts the trips that the caller may read: public ones, and their own."""
    return [BusyAirport.model_validate(row) for row in await reports.busiest(ctx, year, limit)]
