"""Types for an audience: what its members see, no more and no less, by the same folding that answers them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from uuid import UUID

import pytest
from sqlalchemy import Enum, ForeignKey, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from backstay.controllers.openapi.python import build_python
from backstay.controllers.openapi.typescript import build_typescript
from backstay.errors import ConfigurationError
from backstay.models.access.audience import MOST_OPEN_TERMS, SIGNED_IN
from backstay.models.access.caller import ANONYMOUS, SERVICE, Caller
from backstay.models.access.rules import Access, Rule
from backstay.models.access.terms import caller
from backstay.models.base import NAMING, Model
from backstay.models.catalog import Catalog
from backstay.models.catalog_reading import read_catalog
from backstay.models.resources.typed import Function, TypedCatalog
from backstay.services.resources.sight import Sight
from backstay.services.resources.typed import audience_named, typed_catalog

ANN = UUID(int=1)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = Model.type_annotation_map


class Room(Base):
    __tablename__ = "canary_rooms"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    owner_id: Mapped[UUID | None]


class Item(Base):
    __tablename__ = "canary_items"
    id: Mapped[int] = mapped_column(primary_key=True)
    public: Mapped[bool]
    to_guests: Mapped[str] = mapped_column(String(5))
    to_users: Mapped[str] = mapped_column(String(5))
    to_editors: Mapped[str] = mapped_column(String(5))
    to_proven: Mapped[str] = mapped_column(String(5))
    to_tenants: Mapped[str] = mapped_column(String(5))
    to_permitted: Mapped[str] = mapped_column(String(5))
    to_nobody: Mapped[str] = mapped_column(Enum("x", "y", name="canary_choice"))
    by_row: Mapped[str] = mapped_column(String(5))
    by_row_or_role: Mapped[str] = mapped_column(String(5))
    only_if_signed_out_or_editor: Mapped[str] = mapped_column(String(5))
    room_id: Mapped[int] = mapped_column(ForeignKey("canary_rooms.id"))
    attic_id: Mapped[int | None] = mapped_column(ForeignKey("canary_attics.id"))


class Attic(Base):
    __tablename__ = "canary_attics"
    id: Mapped[int] = mapped_column(primary_key=True)


class Bare(Base):
    __tablename__ = "canary_bares"
    id: Mapped[int] = mapped_column(primary_key=True)


class RoomAccess(Access, model=Room):
    read = caller.is_authenticated
    create = Room.owner_id == caller.id


class AtticAccess(Access, model=Attic):
    read = caller.has_role("owner")


class ItemAccess(Access, model=Item):
    read = True
    update = caller.has_role("editor") | caller.has_role("owner")
    fields = {
        Item.to_guests: ~caller.is_authenticated,
        Item.to_users: caller.is_authenticated,
        Item.to_editors: caller.has_role("editor"),
        Item.to_proven: caller.aal2,
        Item.to_tenants: caller.claim("tenant") == "a",
        Item.to_permitted: caller.can("items:see"),
        Item.to_nobody: False,
        Item.by_row: Item.public,
        Item.by_row_or_role: Item.public | caller.has_role("editor"),
        Item.only_if_signed_out_or_editor: ~caller.is_authenticated | caller.has_role("editor"),
    }


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return read_catalog((Room, Item, Attic, Bare))


def users(roles: Iterable[frozenset[str]], permissions: Iterable[frozenset[str]]) -> list[Caller]:
    """Every signed-in caller that differs in something that some rule reads."""
    return [
        Caller(id=ANN, role="authenticated", roles=role, permissions=permission, aal=aal, claims=claims)
        for role, permission, aal, claims in itertools.product(
            roles, permissions, (1, 2), ({}, {"tenant": "a"})
        )
    ]


NONE: frozenset[str] = frozenset()
EDITOR, OWNER, PERMITTED = frozenset({"editor"}), frozenset({"owner"}), frozenset({"items:see"})
MEMBERS = {
    None: users([NONE, EDITOR, OWNER, EDITOR | OWNER], [NONE, PERMITTED]),
    "anonymous": [ANONYMOUS],
    "user": users([NONE], [NONE]),
    "editor": users([EDITOR], [NONE, PERMITTED]),
    "service": [SERVICE],
}


def typed_for(catalog: Catalog, name: str | None) -> TypedCatalog:
    return typed_catalog(catalog, audience_named(catalog, name))


@pytest.mark.parametrize("name", MEMBERS)
def test_an_audience_has_types_for_exactly_what_its_members_see(catalog: Catalog, name: str | None) -> None:
    typed = {table.name: table for table in typed_for(catalog, name).tables}
    sights = [Sight(catalog, member) for member in MEMBERS[name]]
    for resource in catalog.resources.values():
        exists = any(sight.exists(resource) for sight in sights)
        assert (resource.name in typed) == exists
        if not exists:
            continue
        table = typed[resource.name]
        assert table.readable == any(sight.is_readable(resource) for sight in sights)
        columns = {column.name: column for column in table.columns}
        for field in resource.fields.values():
            seen = [sight.reference(resource, field.name) for sight in sights]
            assert (field.name in columns) == any(seen), field.name
            if any(seen):
                column = columns[field.name]
                assert column.sometimes == (not all(seen)), field.name
                masked = any(reference is not None and reference.mask is not None for reference in seen)
                assert column.nullable == (field.nullable or masked), field.name
        for relation in resource.relations:
            if relation.key_on_source:
                follows = any(sight._follows(relation) and sight.is_readable(resource) for sight in sights)
                assert (relation.constraint in {each.constraint for each in table.relationships}) == follows


def test_a_hidden_name_is_nowhere_in_what_is_generated(catalog: Catalog) -> None:
    for build in (build_typescript, build_python):
        text = {
            name: build(typed_for(catalog, name), "made by a test").lower().replace("_", "")
            for name in MEMBERS
        }
        for hidden in ("tonobody", "canarychoice", "canarybares", "toguests"):
            assert hidden in text["service"]
            assert hidden not in text[None]
        for hidden in ("tousers", "toeditors", "canaryrooms", "canaryattics", "topermitted"):
            assert hidden in text[None]
            assert hidden not in text["anonymous"]


def test_what_cannot_be_written_has_no_types_of_bodies(catalog: Catalog) -> None:
    typed = {table.name: table for table in typed_for(catalog, "user").tables}
    assert (typed["canary_items"].creatable, typed["canary_items"].changeable) == (False, False)
    assert typed["canary_rooms"].creatable
    text = build_python(typed_for(catalog, "user"), "made by a test")
    assert "class PublicCanaryRoomsInsert(" in text
    assert "PublicCanaryItemsInsert" not in text
    assert "id?: never" in build_typescript(typed_for(catalog, "user"), "made by a test")


def test_a_column_that_some_do_not_have_is_asked_of_nobody(catalog: Catalog) -> None:
    typed = {table.name: table for table in typed_for(catalog, None).tables}
    required = {column.name for column in typed["canary_items"].columns if column.required}
    assert required == {"public", "to_users", "by_row", "by_row_or_role", "room_id"}


def test_a_role_that_no_rule_knows_is_refused_with_those_that_are_known(catalog: Catalog) -> None:
    with pytest.raises(ConfigurationError, match="anonymous, user, service, editor, owner"):
        audience_named(catalog, "edtor")


def test_a_rule_with_very_many_open_terms_is_taken_to_come_to_anything() -> None:
    terms = [caller.has_role(f"role{number}") for number in range(MOST_OPEN_TERMS + 1)]
    rule = terms[0]
    for term in terms[1:]:
        rule = rule & term
    outlook = SIGNED_IN.outlook(Rule(rule))
    assert (outlook.may_hold, outlook.may_be_never, outlook.may_depend) == (True, True, True)
    twice = Rule(caller.has_role("a") & ~caller.has_role("a"))
    assert not SIGNED_IN.outlook(twice).may_hold


def test_definitions_of_one_name_are_told_apart_when_they_differ(catalog: Catalog) -> None:
    def function(name: str, kind: str) -> Function:
        return Function(
            name,
            returns={"type": "array", "items": {"$ref": "#/$defs/Outer"}},
            definitions={
                "Outer": {"type": "object", "properties": {"inner": {"$ref": "#/$defs/Inner"}}},
                "Inner": {"type": "object", "properties": {"value": {"type": kind}}},
            },
        )

    same = typed_catalog(catalog, SIGNED_IN, [function("b", "string"), function("a", "string")])
    assert list(same.definitions) == ["Inner", "Outer"]
    apart = typed_catalog(catalog, SIGNED_IN, [function("b", "integer"), function("a", "string")])
    assert list(apart.definitions) == ["Inner", "Outer", "b.Inner", "b.Outer"]
    assert apart.definitions["b.Outer"]["properties"]["inner"] == {"$ref": "#/$defs/b.Inner"}
    text = build_python(apart, "made by a test")
    assert "PublicBReturns: TypeAlias = list[PublicBOuter]" in text
    assert "PublicAReturns: TypeAlias = list[PublicOuter]" in text
