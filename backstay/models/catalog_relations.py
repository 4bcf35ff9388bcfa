"""The ways from one table to another: by its own keys, by keys that point at it, and over tables between.

In charge of what PostgREST's protocol calls relationships: cardinality, constraint, and the `relationship()`
attributes that name them; and of which columns are unique, since that decides between one and many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Table, UniqueConstraint

from backstay.models.catalog import Cardinality, Field, Junction, Relation, Resource, Unique
from backstay.models.catalog_declared import declared_relations

_ENGINES = ("sqlite", "postgresql")


def read_relations(source: Resource, by_table: Mapping[Table, Resource]) -> Iterable[Relation]:
    """Every relation that starts at `source`: by its own keys, by keys that point at it, and by junctions."""
    named = _relationship_names(source)
    for key in _foreign_keys(source.table):
        target = by_table.get(key.referred_table)
        if target is not None:
            cardinality = Cardinality.ONE_TO_ONE if _is_unique(key) else Cardinality.MANY_TO_ONE
            yield _relation(source, target, cardinality, key, named, key_on_source=True)
    for other in by_table.values():
        for key in _foreign_keys(other.table):
            if key.referred_table is source.table:
                cardinality = Cardinality.ONE_TO_ONE if _is_unique(key) else Cardinality.ONE_TO_MANY
                yield _relation(source, other, cardinality, key, named, key_on_source=False)
        yield from _through(source, other, by_table, named)
    yield from declared_relations(source, by_table)


def _relation(
    source: Resource,
    target: Resource,
    cardinality: Cardinality,
    key: ForeignKeyConstraint,
    named: Mapping[tuple[Any, ...], tuple[str, ...]],
    *,
    key_on_source: bool,
) -> Relation:
    pairs = []
    for element in key.elements:
        near, far = (element.parent, element.column) if key_on_source else (element.column, element.parent)
        pairs.append((source.fields[near.name], target.fields[far.name]))
    return Relation(
        source=source,
        target=target,
        cardinality=cardinality,
        constraint=str(key.name),
        pairs=tuple(pairs),
        attributes=named.get((key, key_on_source), ()),
        key_on_source=key_on_source,
    )


def _through(
    source: Resource,
    middle: Resource,
    by_table: Mapping[Table, Resource],
    named: Mapping[tuple[Any, ...], tuple[str, ...]],
) -> Iterable[Relation]:
    """Many-to-many relations over `middle`, whose two keys must be part of its primary key."""
    keys = [
        key
        for key in _foreign_keys(middle.table)
        if all(column.primary_key for column in key.columns) and key.referred_table in by_table
    ]
    for near in keys:
        for far in keys:
            if near is far or near.referred_table is not source.table:
                continue
            target = by_table[far.referred_table]
            junction = Junction(
                resource=middle,
                near=_pairs(near, source, middle),
                far=_pairs(far, target, middle),
                constraints=(str(near.name), str(far.name)),
            )
            yield Relation(
                source=source,
                target=target,
                cardinality=Cardinality.MANY_TO_MANY,
                constraint=f"{near.name} and {far.name}",
                pairs=(),
                junction=junction,
                attributes=named.get((middle.table, far), ()),
                key_on_source=False,
            )


def _pairs(key: ForeignKeyConstraint, outer: Resource, middle: Resource) -> tuple[tuple[Field, Field], ...]:
    return tuple((outer.fields[e.column.name], middle.fields[e.parent.name]) for e in key.elements)


def _foreign_keys(table: Table) -> list[ForeignKeyConstraint]:
    return sorted(table.foreign_key_constraints, key=lambda key: str(key.name))


def _is_unique(key: ForeignKeyConstraint) -> bool:
    columns = {column.name for column in key.columns}
    return any(set(unique.fields) == columns for unique in read_uniques(key.table))


def _relationship_names(source: Resource) -> dict[tuple[Any, ...], tuple[str, ...]]:
    """Names of the model's `relationship()` attributes by the key they follow, and on which side it stands."""
    names: dict[tuple[Any, ...], tuple[str, ...]] = {}
    for relationship in source.model.__mapper__.relationships:  # type: ignore[attr-defined]
        if relationship.secondary is not None:
            for key in _foreign_keys(relationship.secondary):
                if {column for _, column in relationship.secondary_synchronize_pairs} == set(key.columns):
                    place: tuple[Any, ...] = (relationship.secondary, key)
                    names[place] = (*names.get(place, ()), relationship.key)
            continue
        on_source = relationship.direction.name == "MANYTOONE"
        pairs = {(near, far) for near, far in relationship.local_remote_pairs or ()}
        table = source.table if on_source else relationship.mapper.local_table
        for key in _foreign_keys(table):
            if {_oriented(e, on_source) for e in key.elements} == pairs:
                place = (key, on_source)
                names[place] = (*names.get(place, ()), relationship.key)
    return names


def _oriented(element: Any, on_source: bool) -> tuple[Any, Any]:
    return (element.parent, element.column) if on_source else (element.column, element.parent)


def read_uniques(table: Table) -> Iterable[Unique]:
    """The sets of columns that no two rows share; the primary key is the first."""
    yield Unique(str(table.primary_key.name), tuple(c.name for c in table.primary_key.columns))
    # Both are sets. What is described must not depend on the process that describes it.
    for constraint in sorted(table.constraints, key=lambda one: str(one.name)):
        if isinstance(constraint, UniqueConstraint):
            yield Unique(str(constraint.name), tuple(column.name for column in constraint.columns))
    for index in sorted(table.indexes, key=lambda one: str(one.name)):
        if index.unique and not any(
            index.dialect_options[name].get("where") is not None for name in _ENGINES
        ):
            yield Unique(str(index.name), tuple(column.name for column in index.columns))
