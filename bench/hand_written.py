"""The contender: the same endpoints by hand, in FastAPI, Pydantic and SQLAlchemy's asynchronous ORM.

Written as the documentation of the three and their usual templates do it: a session for each request, response
models, a dependency that verifies the token, eager loading for the embed. Nothing slow is put in, nothing usual is
left out. Run as a module it serves; the environment says where (see `served.py`).
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID, uuid4

import jwt
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ForeignKey, String, event, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship

from bench.data import AUDIENCE, ISSUER, POOL_SIZE, SECRET


class Base(DeclarativeBase):
    """Every table."""


class User(Base):
    """Who owns trips."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    email: Mapped[str | None] = mapped_column(String(254), unique=True)


class Country(Base):
    """A country by its ISO code."""

    __tablename__ = "countries"

    code: Mapped[str] = mapped_column(String(2), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))


class Airport(Base):
    """An airport by its ICAO code."""

    __tablename__ = "airports"

    icao: Mapped[str] = mapped_column(String(4), primary_key=True)
    iata: Mapped[str | None] = mapped_column(String(3), index=True)
    name: Mapped[str] = mapped_column(String(200))
    city: Mapped[str] = mapped_column(String(100))
    country_code: Mapped[str] = mapped_column(ForeignKey("countries.code"), index=True)
    latitude: Mapped[float]
    longitude: Mapped[float]
    elevation_feet: Mapped[int]
    country: Mapped[Country] = relationship(lazy="raise")


class Trip(Base):
    """A journey of one user to one airport."""

    __tablename__ = "trips"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    airport_code: Mapped[str] = mapped_column(ForeignKey("airports.icao"), index=True)
    starts_on: Mapped[dt.date]
    public: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str | None] = mapped_column(String(1000))


class CountryOut(BaseModel):
    """A country as it is answered."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    name: str


class AirportOut(BaseModel):
    """An airport as it is answered."""

    model_config = ConfigDict(from_attributes=True)

    icao: str
    iata: str | None
    name: str
    city: str
    country_code: str
    latitude: float
    longitude: float
    elevation_feet: int


class AirportWithCountry(AirportOut):
    """An airport with its country."""

    country: CountryOut


class TripIn(BaseModel):
    """A trip as it is sent."""

    airport_code: Annotated[str, Field(max_length=4)]
    starts_on: dt.date
    public: bool = False
    note: Annotated[str | None, Field(max_length=1000)] = None


class TripOut(BaseModel):
    """A trip as it is answered."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    owner_id: UUID
    airport_code: str
    starts_on: dt.date
    public: bool
    note: str | None


bearer = HTTPBearer()


async def current_user(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> UUID:
    """The user that the bearer token names."""
    try:
        claims = jwt.decode(
            credentials.credentials, SECRET, algorithms=["HS256"], audience=AUDIENCE, issuer=ISSUER
        )
        return UUID(claims["sub"])
    except (jwt.InvalidTokenError, KeyError, ValueError) as error:
        raise HTTPException(401, "Could not validate credentials") from error


async def open_session(request: Request) -> AsyncIterator[AsyncSession]:
    """A session for this request."""
    async with request.app.state.sessions() as session:
        yield session


CurrentUser = Annotated[UUID, Depends(current_user)]
Session = Annotated[AsyncSession, Depends(open_session)]
Limit = Annotated[int, Query(ge=1, le=1000)]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Connect while the application serves."""
    engine = make_engine(os.environ["BENCH_DATABASE"])
    app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.get("/airports/{icao}", response_model=AirportOut)
async def get_airport(icao: str, session: Session, user: CurrentUser) -> Any:
    """One airport."""
    airport = await session.get(Airport, icao)
    if airport is None:
        raise HTTPException(404, "No such airport")
    return airport


@app.get("/airports", response_model=list[AirportOut])
async def list_airports(
    session: Session, user: CurrentUser, after: str = "", limit: Limit = 50
) -> Sequence[Any]:
    """A page of airports in the order of their codes."""
    page = select(Airport).where(Airport.icao > after).order_by(Airport.icao).limit(limit)
    return (await session.scalars(page)).all()


@app.get("/airports-with-country", response_model=list[AirportWithCountry])
async def list_airports_with_country(
    session: Session, user: CurrentUser, after: str = "", limit: Limit = 50
) -> Sequence[Any]:
    """The same page, each airport with its country."""
    page = (
        select(Airport)
        .where(Airport.icao > after)
        .order_by(Airport.icao)
        .limit(limit)
        .options(joinedload(Airport.country))
    )
    return (await session.scalars(page)).all()


@app.get("/trips/{trip_id}", response_model=TripOut)
async def get_trip(trip_id: UUID, session: Session, user: CurrentUser) -> Any:
    """One trip, if it is public or the caller's own."""
    visible = select(Trip).where(Trip.id == trip_id, or_(Trip.public, Trip.owner_id == user))
    trip = await session.scalar(visible)
    if trip is None:
        raise HTTPException(404, "No such trip")
    return trip


@app.post("/trips", response_model=TripOut, status_code=201)
async def create_trip(trip: TripIn, session: Session, user: CurrentUser) -> Any:
    """A new trip of the caller."""
    row = Trip(**trip.model_dump(), owner_id=user)
    session.add(row)
    await session.commit()
    return row


def make_engine(url: str) -> AsyncEngine:
    """An engine with Backstay's pool size and, on SQLite, its durability."""
    if url.startswith("postgresql"):
        return create_async_engine(
            url.replace("postgresql", "postgresql+asyncpg", 1), pool_size=POOL_SIZE, max_overflow=0
        )
    engine = create_async_engine(
        url.replace("sqlite", "sqlite+aiosqlite", 1),
        pool_size=POOL_SIZE,
        max_overflow=0,
        connect_args={"timeout": 30},
    )
    event.listen(engine.sync_engine, "connect", _set_pragmas)
    return engine


def _set_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -16000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


if __name__ == "__main__":
    # uvicorn's own access log, since Backstay logs every request too.
    uvicorn.run(app, port=int(os.environ["BENCH_PORT"]), http="httptools", loop="uvloop", ws="none")
