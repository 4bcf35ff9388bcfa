"""Names and texts that a generator must not trip over: what each language has taken, cannot spell or ends a text with."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Computed, Enum, Integer, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from backstay.models.access.rules import Access
from backstay.models.base import NAMING, Model
from backstay.models.catalog_reading import read_catalog
from backstay.models.resources.typed import Argument, Function, TypedCatalog
from backstay.services.resources.typed import audience_named, typed_catalog

MANY = [f'choice "{number}", \\ and more' for number in range(12)]


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = Model.type_annotation_map


class Odd(Base):
    '''Ends a comment: */ and a text: """ and \\ and "'''

    __tablename__ = "odd names-of 1st"
    id: Mapped[int] = mapped_column(primary_key=True)
    a: Mapped[str] = mapped_column("column whitespace")
    b: Mapped[str | None] = mapped_column("class")
    c: Mapped[str | None] = mapped_column("copy")
    d: Mapped[str | None] = mapped_column("model_dump")
    e: Mapped[str | None] = mapped_column("1st")
    f: Mapped[str | None] = mapped_column("__lead")
    g: Mapped[str | None] = mapped_column("größe")
    h: Mapped[str | None] = mapped_column("ﬁre")
    i: Mapped[dt.datetime | None] = mapped_column("dt")
    j: Mapped[UUID | None] = mapped_column("uuid")
    k: Mapped[list[str] | None] = mapped_column("list", ARRAY(Text()))
    m: Mapped[str | None] = mapped_column('quoted " and \\ and `')
    n: Mapped[str | None] = mapped_column("class_")
    many: Mapped[str | None] = mapped_column(Enum(*MANY, name="many choices"))
    unnamed: Mapped[list[str] | None] = mapped_column(ARRAY(Enum("x", "y", name=None)))
    computed: Mapped[int] = mapped_column(Integer, Computed("id * 2"))


class OddInsert(Base):
    __tablename__ = "odd_names_of_1st_insert"
    id: Mapped[int] = mapped_column(primary_key=True)


class OddAgain(Base):
    __tablename__ = "odd_names__of_1st"
    id: Mapped[int] = mapped_column(primary_key=True)
    many: Mapped[str | None] = mapped_column(Enum("other", name="many choices"))


class OddAccess(Access, model=Odd):
    read = create = update = True


class OddInsertAccess(Access, model=OddInsert):
    read = True


class OddAgainAccess(Access, model=OddAgain):
    read = create = True


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "from": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
        "any": {},
        "literal": {"enum": ["a", 1, True, None]},
        "pair": {"type": "array", "prefixItems": [{"type": "string", "format": "date"}, {"type": "number"}]},
        "counts": {"type": "object", "additionalProperties": {"type": ["integer", "null"]}},
        "free": {"type": "object", "additionalProperties": True},
        "rows": {"type": "array", "items": {"$ref": "#/components/schemas/odd_names__of_1st.Row"}},
        "hidden": {"$ref": "#/components/schemas/hidden.Row"},
        "either": {"oneOf": [{"type": "array", "items": {"type": ["string", "null"]}}, {"const": "all"}]},
        "one": {"allOf": [{"$ref": "#/$defs/Kind"}]},
        "bits": {"type": "string", "format": "binary"},
    },
    "required": ["from", "any"],
}


def odd_catalog() -> TypedCatalog:
    catalog = read_catalog((Odd, OddInsert, OddAgain))
    functions = (
        Function(
            "odd.walk",
            (
                Argument("from", {"$ref": "#/$defs/Node"}),
                Argument("deep", {"type": "boolean"}, required=False),
            ),
            {"$ref": "#/$defs/Node"},
            {"Node": SCHEMA, "Kind": {"enum": ["x", "y"]}},
            "Walks: */",
        ),
    )
    typed = typed_catalog(catalog, audience_named(catalog, None), functions)
    computed = tuple(column for column in typed.tables[0].columns if column.name == "id")
    named = tuple(replace(column, field=replace(column.field, name="full name")) for column in computed)
    return replace(typed, tables=(*typed.tables[:-1], replace(typed.tables[-1], computed=named)))
