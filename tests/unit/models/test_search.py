"""Declarations of searches: what is refused, and when, and what their indexes are called."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from backstay.errors import ConfigurationError
from backstay.models.catalog_reading import read_catalog
from backstay.models.search import Search, TableSearch


@pytest.mark.parametrize(("columns", "config"), [((), "simple"), ((1,), "simple"), (("a",), "klingon")])
def test_a_search_that_can_never_be_is_refused_where_it_stands(columns: tuple[str, ...], config: str) -> None:
    with pytest.raises(TypeError):
        Search(*columns, config=config)


def test_a_search_that_does_not_fit_its_model_is_told_at_the_start() -> None:
    class Base(DeclarativeBase):
        pass

    class Parrot(Base):
        __tablename__ = "parrots"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]

        unknown = Search("nmae")
        number = Search("name", "id")

    class Gull(Base):
        __tablename__ = "gulls"
        id: Mapped[int] = mapped_column(primary_key=True)
        word: Mapped[str] = mapped_column("words")

        words = Search("word")

    with pytest.raises(ConfigurationError) as caught:
        read_catalog([Parrot])
    assert caught.value.problems == ("Parrot.unknown: there is no column 'nmae' to search",)
    del Parrot.unknown
    with pytest.raises(ConfigurationError, match="only text can be searched, and 'id' is none"):
        read_catalog([Parrot])
    with pytest.raises(ConfigurationError, match=r"Gull.words: a search cannot be called like a column"):
        read_catalog([Gull])


def test_searches_of_a_mixin_are_those_of_its_models_by_the_names_of_their_columns() -> None:
    class Base(DeclarativeBase):
        pass

    class Named:
        name: Mapped[str] = mapped_column("label")
        search = Search("name")

    class Tern(Named, Base):
        __tablename__ = "terns"
        id: Mapped[int] = mapped_column(primary_key=True)

    search = read_catalog([Tern]).resources["terns"].searches["search"]
    assert [field.name for field in search.fields] == ["label"]
    assert search.stored_as == "backstay_search_terns_search"


def test_an_index_has_a_name_that_postgresql_does_not_cut_off() -> None:
    names = {TableSearch("t" * 60, name, ("a",), "simple").stored_as for name in ("one", "two")}
    assert len(names) == 2
    assert all(len(name) <= 63 and name.startswith("backstay_search_") for name in names)
