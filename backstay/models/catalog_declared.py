"""Many-to-many relations over a plain `Table`, which no model stands for: those that a `relationship()` declares.

Such a table has no access rules, and so is served to nobody: from its keys alone no relation follows. But
`relationship(secondary=table)` says that its rows lead from one model to the other, and that much is then readable
to whoever may read both. Decision 0022 says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.sql import visitors

from backstay.models.access.rules import Access, AccessRules
from backstay.models.catalog import Cardinality, Field, Junction, Relation, Resource


def declared_relations(source: Resource, by_table: Mapping[Table, Resource]) -> Iterator[Relation]:
    """The relations of `source` over plain tables.

    Two attributes over the same keys are one relation with two names. One whose join asks for more than that keys
    are equal is left out: it would be followed without that condition.
    """
    found: dict[tuple[Any, ...], list[Any]] = {}
    for relationship in source.model.__mapper__.relationships:  # type: ignore[attr-defined]  # every mapped class has one
        table = relationship.secondary
        target = by_table.get(relationship.mapper.local_table)
        if (
            isinstance(table, Table)
            and table not in by_table
            and target is not None
            and _is_plain(relationship)
        ):
            near, far = (
                _pairs(relationship.synchronize_pairs),
                _pairs(relationship.secondary_synchronize_pairs),
            )
            found.setdefault((table, target, near, far), []).append(relationship)
    for (table, target, near, far), relationships in found.items():
        yield _relation(source, target, table, near, far, tuple(one.key for one in relationships))


def _is_plain(relationship: Any) -> bool:
    joins = (
        (relationship.primaryjoin, relationship.synchronize_pairs),
        (relationship.secondaryjoin, relationship.secondary_synchronize_pairs),
    )
    return all(
        sum(isinstance(part, Column) for part in visitors.iterate(join)) == 2 * len(pairs)
        for join, pairs in joins
    )


def _pairs(pairs: Iterable[tuple[Column[Any], Column[Any]]]) -> tuple[tuple[str, str], ...]:
    """Names: of the column on the outside, and of that in the table between."""
    return tuple((str(outer.name), str(inner.name)) for outer, inner in pairs)


def _relation(
    source: Resource,
    target: Resource,
    table: Table,
    near: tuple[tuple[str, str], ...],
    far: tuple[tuple[str, str], ...],
    attributes: tuple[str, ...],
) -> Relation:
    outer = {inner: source.fields[name] for name, inner in near}
    outer |= {inner: target.fields[name] for name, inner in far}
    fields = {name: _inner(table.c[name], like) for name, like in outer.items()}
    middle = Resource(
        name=table.name,
        model=source.model,
        table=table,
        fields=fields,
        primary_key=(),
        uniques=(),
        access=AccessRules(_Between),
    )
    constraints = (_constraint(table, near), _constraint(table, far))
    return Relation(
        source=source,
        target=target,
        cardinality=Cardinality.MANY_TO_MANY,
        constraint=" and ".join(constraints),
        pairs=(),
        junction=Junction(
            resource=middle,
            near=tuple((source.fields[name], fields[inner]) for name, inner in near),
            far=tuple((target.fields[name], fields[inner]) for name, inner in far),
            constraints=constraints,
        ),
        attributes=attributes,
        key_on_source=False,
    )


class _Between(Access):
    """Its keys may be followed; it is in no catalog, so nothing else of it can be read."""

    read = True


def _inner(column: Column[Any], like: Field) -> Field:
    return Field(
        name=str(column.name),
        kind=like.kind,
        column=column,
        nullable=True,
        has_default=False,
        sql_type=like.sql_type,
    )


def _constraint(table: Table, pairs: tuple[tuple[str, str], ...]) -> str:
    columns = {inner for _, inner in pairs}
    names = [key.name for key in table.foreign_key_constraints if set(key.column_keys) == columns]
    return str(names[0]) if names else f"{table.name}_{'_'.join(sorted(columns))}"
