"""The application of the API tests: ports, ships, voyages and a table with every kind of column.

In charge of having one of everything that the protocol speaks of: each cardinality, two keys to one table, composite
keys, a table that points at itself, hidden and masked columns, hidden tables, defaults of every origin, constraints.
The names are apart from those of other tests, since all models share one metadata.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    cast,
    func,
    text,
    true,
    type_coerce,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship
from sqlalchemy.types import ARRAY

from backstay.models.access.rules import Access
from backstay.models.access.terms import caller
from backstay.models.auth.user import User
from backstay.models.base import Model, primary_key

EDITOR = caller.has_role("editor")


class Nation(Model):
    """Nations, readable by all."""

    __tablename__ = "nations"
    code: Mapped[str] = mapped_column(String(2), primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    founded: Mapped[dt.date | None]


class NationAccess(Access, model=Nation):
    read = True
    create = update = delete = EDITOR


class Port(Model):
    """Ports; what they earn is hidden from all but editors."""

    __tablename__ = "ports"
    code: Mapped[str] = mapped_column(String(5), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    nation_code: Mapped[str | None] = mapped_column(ForeignKey("nations.code"))
    depth: Mapped[float | None]
    kind: Mapped[str | None] = mapped_column(Enum("small", "medium", "large", name="port_kind"))
    tags: Mapped[list[str] | None] = mapped_column(ARRAY(Text()))
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    earnings: Mapped[int | None] = mapped_column(CheckConstraint("earnings >= 0", name="earnings"))
    nation: Mapped[Nation | None] = relationship(lazy="raise")

    @hybrid_property
    def is_deep(self: Any) -> Any:
        """Seen by all."""
        return self.depth > 14

    @hybrid_property
    def is_known(self: Any) -> Any:
        """Something even of nothing: what a row that is not there must not show."""
        return func.coalesce(self.name, "") != "?"

    @hybrid_property
    def twice(self: Any) -> Any:
        """Reads a hidden column."""
        return self.earnings * 2


class PortAccess(Access, model=Port):
    read = True
    create = update = delete = EDITOR
    fields = {Port.earnings: EDITOR}


# A table without a model, over which one relationship leads.
FAVOURITES = Table(
    "favourites",
    Model.metadata,
    Column("sailor_id", ForeignKey("sailors.id", ondelete="CASCADE"), primary_key=True),
    Column("port_code", ForeignKey("ports.code"), primary_key=True),
)


class Ship(Model):
    """Ships, with a number that the database gives."""

    __tablename__ = "ships"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    home_code: Mapped[str | None] = mapped_column(ForeignKey("ports.code"))
    tons: Mapped[int] = mapped_column(server_default=text("100"))
    flag: Mapped[str | None] = mapped_column(String(10), default="plain")
    built: Mapped[int | None] = mapped_column(SmallInteger)
    rating: Mapped[int | None] = mapped_column(
        SmallInteger, CheckConstraint("rating BETWEEN 1 AND 5", name="rating")
    )
    double_tons: Mapped[int] = mapped_column(Computed("tons * 2", persisted=True))
    touched: Mapped[str | None] = mapped_column(Text, onupdate="by the application")
    sailors: Mapped[list[Sailor]] = relationship(secondary="crews", lazy="raise", viewonly=True)
    title: Mapped[str] = column_property(type_coerce(name + " (" + func.coalesce(flag, "-") + ")", Text()))

    @hybrid_property
    def _unserved(self) -> str:
        """Of the model's own use: no SQL."""
        return self.name.upper()


class ShipAccess(Access, model=Ship):
    read = True
    create = update = delete = EDITOR


class Papers(Model):
    """The papers of a ship: at most one set for each."""

    __tablename__ = "papers"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    ship_id: Mapped[int] = mapped_column(ForeignKey("ships.id", ondelete="CASCADE"), unique=True)
    number: Mapped[str] = mapped_column(String(20))


class PapersAccess(Access, model=Papers):
    read = True
    create = update = delete = EDITOR


class Sailor(Model):
    """Sailors; each may have a mentor, who is a sailor too."""

    __tablename__ = "sailors"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str]
    mentor_id: Mapped[int | None] = mapped_column(ForeignKey("sailors.id"))
    loved: Mapped[list[Port]] = relationship(secondary=FAVOURITES, lazy="raise", viewonly=True)


class SailorAccess(Access, model=Sailor):
    read = True
    create = update = delete = EDITOR


class Crew(Model):
    """Who sails on which ship."""

    __tablename__ = "crews"
    ship_id: Mapped[int] = mapped_column(ForeignKey("ships.id", ondelete="CASCADE"), primary_key=True)
    sailor_id: Mapped[int] = mapped_column(ForeignKey("sailors.id", ondelete="CASCADE"), primary_key=True)
    duty: Mapped[str | None] = mapped_column(String(20))


class CrewAccess(Access, model=Crew):
    read = True
    create = update = delete = EDITOR


class Berth(Model):
    """Places in a port, by number."""

    __tablename__ = "berths"
    port_code: Mapped[str] = mapped_column(ForeignKey("ports.code"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    length: Mapped[int | None]


class BerthAccess(Access, model=Berth):
    read = True
    create = update = delete = EDITOR


class Mooring(Model):
    """A ship at a berth, by the berth's composite key."""

    __tablename__ = "moorings"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    port_code: Mapped[str] = mapped_column(String(5))
    berth_number: Mapped[int] = mapped_column(Integer)
    ship_id: Mapped[int] = mapped_column(ForeignKey("ships.id"))
    __table_args__ = (
        ForeignKeyConstraint(["port_code", "berth_number"], ["berths.port_code", "berths.number"]),
        UniqueConstraint("port_code", "berth_number", "ship_id"),
    )


class MooringAccess(Access, model=Mooring):
    read = True
    create = update = delete = EDITOR


class Voyage(Model):
    """A user's voyage from port to port; private or public, its cost shown to its owner only."""

    __tablename__ = "voyages"
    id: Mapped[UUID] = primary_key()
    owner_id: Mapped[UUID] = mapped_column(ForeignKey(User.id), default=caller.id)
    start_code: Mapped[str] = mapped_column(ForeignKey("ports.code"))
    end_code: Mapped[str | None] = mapped_column(ForeignKey("ports.code"))
    public: Mapped[bool] = mapped_column(default=False)
    cost: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    title: Mapped[str | None] = mapped_column(String(30))
    starts_at: Mapped[dt.datetime | None]
    rank: Mapped[int | None] = mapped_column(SmallInteger, CheckConstraint("rank > 0", name="rank"))
    __table_args__ = (UniqueConstraint("owner_id", "title"),)

    @hybrid_property
    def tax(self: Any) -> Any:
        """Reads a masked column."""
        return self.cost * 2

    @hybrid_property
    def risk(self: Any) -> Any:
        """Fails on PostgreSQL for a rank of more than 32766."""
        return self.rank + cast(1, SmallInteger)

    @hybrid_property
    def is_open(self: Any) -> Any:
        """Has a rule of its own."""
        return self.public == true()


class VoyageAccess(Access, model=Voyage):
    read = Voyage.public | (Voyage.owner_id == caller.id)
    create = update = delete = Voyage.owner_id == caller.id
    fields = {Voyage.cost: Voyage.owner_id == caller.id, Voyage.is_open: caller.is_authenticated}


class Stop(Model):
    """A stop of a voyage; whoever owns the voyage owns it."""

    __tablename__ = "stops"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    voyage_id: Mapped[UUID] = mapped_column(ForeignKey("voyages.id", ondelete="CASCADE"))
    port_code: Mapped[str] = mapped_column(ForeignKey("ports.code"))
    note: Mapped[str | None]
    voyage: Mapped[Voyage] = relationship(lazy="raise")


class StopAccess(Access, model=Stop):
    read = Stop.voyage.has(Voyage.public | (Voyage.owner_id == caller.id))
    create = update = delete = Stop.voyage.has(Voyage.owner_id == caller.id)


class Letter(Model):
    """A box for letters: everyone may put one in, editors read them."""

    __tablename__ = "letters"
    id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[str]


class LetterAccess(Access, model=Letter):
    read = EDITOR
    create = True


class Vault(Model):
    """Nobody below the rules may do anything here."""

    __tablename__ = "vaults"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    port_code: Mapped[str] = mapped_column(ForeignKey("ports.code"))
    gold: Mapped[int]


class VaultAccess(Access, model=Vault):
    read = create = update = delete = False


class Unruled(Model):
    """A model without rules is served to nobody."""

    __tablename__ = "unruled_things"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    port_code: Mapped[str | None] = mapped_column(ForeignKey("ports.code"))


class Specimen(Model):
    """One column of every kind."""

    __tablename__ = "specimens"
    id: Mapped[int] = mapped_column(primary_key=True)
    text_: Mapped[str | None] = mapped_column("text")
    short: Mapped[str | None] = mapped_column(String(5))
    choice: Mapped[str | None] = mapped_column(Enum("red", "Green", "a b", name="specimen_choice"))
    int16: Mapped[int | None] = mapped_column(SmallInteger)
    int32: Mapped[int | None] = mapped_column(Integer)
    int64: Mapped[int | None]
    real: Mapped[float | None]
    money: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    exact: Mapped[Decimal | None]
    flag: Mapped[bool | None]
    key: Mapped[UUID | None]
    moment: Mapped[dt.datetime | None]
    local: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=False))
    day: Mapped[dt.date | None]
    hour: Mapped[dt.time | None]
    blob: Mapped[bytes | None]
    data: Mapped[Any | None] = mapped_column(JSON)
    words: Mapped[list[str] | None] = mapped_column(ARRAY(Text()))
    numbers: Mapped[list[int] | None] = mapped_column(ARRAY(Integer()))


class SpecimenAccess(Access, model=Specimen):
    read = create = update = delete = True


MODELS: tuple[type[Model], ...] = (
    Nation, Port, Ship, Papers, Sailor, Crew, Berth, Mooring, Voyage, Stop, Letter, Vault, Unruled, Specimen,
)  # fmt: skip
