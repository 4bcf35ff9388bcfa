"""The mapped classes and access rules that say the same as a schema, for as long as a test needs them."""

from __future__ import annotations

from collections.abc import Mapping
from types import new_class
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Table, UniqueConstraint, and_
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import foreign, mapped_column, relationship, remote

from backstay import Access, Model
from tests.api.oracle.models import Computed, Key, Schema, TableSpec
from tests.api.oracle.rules import Always, Rule
from tests.api.oracle.values import sql_type


class MappedSchema:
    """The mapped classes and access rules of a schema."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.models: dict[str, type[Model]] = {name: _mapped(spec) for name, spec in schema.items()}
        for spec in schema.values():
            for key in spec.keys:
                _relate(self.models[key.source], self.models[key.target], key)
        for name, spec in schema.items():
            self._declare(name, spec)

    @property
    def tables(self) -> list[Table]:
        """In an order in which rows can be inserted."""
        return [self.table(name) for name in self.models]

    def table(self, name: str) -> Table:
        """The table of that name."""
        table: Table = Model.metadata.tables[name]
        return table

    def forget(self) -> None:
        """Take everything out of the registries that all models share."""
        for name, model in self.models.items():
            Access.registry.pop(model, None)
            Model.registry._dispose_cls(model)
            Model.metadata.remove(self.table(name))

    def _declare(self, name: str, spec: TableSpec) -> None:
        rules: dict[str, Any] = {verb: _source(rule, self.models, name) for verb, rule in spec.rules.items()}
        rules["fields"] = {
            getattr(self.models[name], column): _source(rule, self.models, name)
            for column, rule in spec.fields.items()
        }
        new_class(f"{name}Access", (Access,), {"model": self.models[name]}, lambda body: body.update(rules))


def _source(rule: Rule, models: Mapping[str, Any], table: str) -> Any:
    """A rule as users write it: a plain bool, or an expression."""
    return rule.value if isinstance(rule, Always) else rule.sql(models, table)


def _mapped(spec: TableSpec) -> type[Model]:
    attributes: dict[str, Any] = {
        column.name: mapped_column(
            sql_type(column.kind, f"{spec.name}_{column.name}"),
            primary_key=column.name in spec.primary_key,
            nullable=column.nullable,
            autoincrement=False,
        )
        for column in spec.columns.values()
    }
    attributes |= {name: _hybrid(computed) for name, computed in spec.computed.items()}
    constraints: list[Any] = []
    for key in spec.keys:
        near = [name for name, _ in key.pairs]
        far = [f"{key.target}.{name}" for _, name in key.pairs]
        constraints.append(ForeignKeyConstraint(near, far, name=key.name))
        if key.unique:
            constraints.append(UniqueConstraint(*near))
    return type(
        spec.name, (Model,), {"__tablename__": spec.name, "__table_args__": tuple(constraints), **attributes}
    )


def _hybrid(computed: Computed) -> Any:
    def read(self: Any) -> Any:
        return computed.sql(self)

    read.__name__ = computed.name
    return hybrid_property(read)


def _relate(source: Any, target: Any, key: Key) -> None:
    """The `relationship()` on either side of a key."""

    def joined(local: Any, other: Any, *, key_is_local: bool) -> Any:
        return and_(
            *(
                foreign(getattr(source, near)) == remote(getattr(target, far))
                if key_is_local
                else getattr(target, far) == remote(foreign(getattr(source, near)))
                for near, far in key.pairs
            )
        )

    to_one = joined(source, target, key_is_local=True)
    to_many = joined(target, source, key_is_local=False)
    options: dict[str, Any] = {"viewonly": True, "lazy": "raise"}
    setattr(source, f"to_{key.name}", relationship(target, primaryjoin=to_one, uselist=False, **options))
    setattr(
        target, f"of_{key.name}", relationship(source, primaryjoin=to_many, uselist=not key.unique, **options)
    )
