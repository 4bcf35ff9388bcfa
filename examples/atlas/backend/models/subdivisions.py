"""Subdivisions of countries: states, provinces, regions, parishes (ISO 3166-2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstay import Access, Model, caller
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

if TYPE_CHECKING:
    from backend.models.countries import Country


class Subdivision(Model):
    """Part of a country, or of a larger part. `code` is that of ISO 3166-2, such as `DE-BY`."""

    __tablename__ = "subdivisions"

    code: Mapped[str] = mapped_column(String(6), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), index=True)
    type: Mapped[str] = mapped_column(String(60))
    country_code: Mapped[str] = mapped_column(ForeignKey("countries.code"), index=True)
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("subdivisions.code"), index=True)

    country: Mapped[Country] = relationship(lazy="raise")
    parent: Mapped[Subdivision | None] = relationship(remote_side=[code], lazy="raise")


class SubdivisionAccess(Access, model=Subdivision):
    """Everyone reads, editors write."""

    read = True
    create = update = delete = caller.has_role("editor")
