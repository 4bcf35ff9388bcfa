"""Countries of ISO 3166-1."""

from backstay import Access, Model, caller
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column


class Country(Model):
    """A country. `code` is its two letters in ISO 3166-1, `alpha3` the three, `numeric` the three digits."""

    __tablename__ = "countries"

    code: Mapped[str] = mapped_column(String(2), primary_key=True)
    alpha3: Mapped[str] = mapped_column(String(3), unique=True)
    numeric: Mapped[str | None] = mapped_column(String(3), unique=True)
    name: Mapped[str] = mapped_column(String(100), index=True)
    official_name: Mapped[str | None] = mapped_column(String(200))
    flag: Mapped[str | None] = mapped_column(String(8))


class CountryAccess(Access, model=Country):
    """Everyone reads, editors write."""

    read = True
    create = update = delete = caller.has_role("editor")
