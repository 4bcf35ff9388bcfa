"""`Records`: the generated API's writes, for the user's own code, in its transaction.

In charge of what a hook or an action does to tables in its caller's name: the rules, validation and hooks are those of
any door.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from typing import Any, TypeVar

from backstay.errors import BackstayError
from backstay.models.access.caller import SERVICE
from backstay.models.catalog import Resource
from backstay.models.resources.request import ColumnPath, Filter, Operator, Query, Rows, Write, WriteKind
from backstay.repositories.database.sessions import Session
from backstay.repositories.resources.objects import load_objects
from backstay.repositories.resources.write import Written
from backstay.services.context import Context
from backstay.services.resources.literals import read_scalar
from backstay.services.resources.tables import Tables

M = TypeVar("M")


class Records:
    """Finds, makes, changes and deletes rows as the caller of the context, who may do no more than at any door.

    Values are by column. Keys are single values, or tuples of them where the table's key has several columns.
    """

    def __init__(self, context: Context, session: Session, tables: Tables) -> None:
        self._context = context
        self._session = session
        self._tables = tables
        resources = tables.plans.catalog.resources.values()
        self._resources = {resource.model: resource for resource in resources}

    def above_the_rules(self) -> Records:
        """The same, for no caller in particular and with every right: no rule is asked.

        Hooks that run get a context whose caller is the service, and `caller.id` has no value in defaults.
        """
        return Records(replace(self._context, caller=SERVICE), self._session, self._tables)

    async def find(self, model: type[M], key: Any) -> M | None:
        """The row, if there is one that the caller may read. It holds every column, masked ones too."""
        resource = self._resource(model)
        service = self._tables.of(resource.name)
        found: M | None = await service.find(self._context, resource, self._key(resource, key), self._session)
        return found

    async def create(self, model: type[M], values: Mapping[str, Any]) -> M:
        """A new row.

        Raises:
            BackstayError: what an insert through a door is refused with.
        """
        resource = self._resource(model)
        write = Write(resource.name, WriteKind.INSERT)
        written = await self._tables.of(resource.name).insert(
            self._context, write, (), Rows((dict(values),)), session=self._session
        )
        made: M = await self._written(resource, written)
        return made

    async def update(self, model: type[M], key: Any, values: Mapping[str, Any]) -> M:
        """The row, changed.

        Raises:
            BackstayError: `row_not_found`; `42501` when the caller may read it and not change it; what else an update
                through a door is refused with.
        """
        resource = self._resource(model)
        write, literals = self._one(resource, WriteKind.UPDATE, key)
        written = await self._tables.of(resource.name).update(
            self._context, write, literals, Rows((dict(values),)), session=self._session
        )
        await self._require(resource, key, written)
        changed: M = await self._written(resource, written)
        return changed

    async def delete(self, model: type[Any], key: Any) -> None:
        """Delete the row.

        Raises:
            BackstayError: as `update`.
        """
        resource = self._resource(model)
        write, literals = self._one(resource, WriteKind.DELETE, key)
        written = await self._tables.of(resource.name).delete(
            self._context, write, literals, session=self._session
        )
        await self._require(resource, key, written)

    def _resource(self, model: type[Any]) -> Resource:
        resource = self._resources.get(model)
        if resource is None:
            raise TypeError(f"{model.__name__} is none of the models that are served")
        return resource

    def _one(self, resource: Resource, kind: WriteKind, key: Any) -> tuple[Write, tuple[str, ...]]:
        where = tuple(
            Filter(ColumnPath(field.name), Operator.EQ, number)
            for number, field in enumerate(resource.primary_key)
        )
        return Write(resource.name, kind, Query(select=(), where=where)), _literals(resource, key)

    def _key(self, resource: Resource, key: Any) -> tuple[Any, ...]:
        return tuple(
            read_scalar(text, field)
            for text, field in zip(_literals(resource, key), resource.primary_key, strict=True)
        )

    async def _require(self, resource: Resource, key: Any, written: Written) -> None:
        if written.count:
            return
        model: type[Any] = resource.model
        if not isinstance(await self.find(model, key), model):
            raise BackstayError("row_not_found")
        raise BackstayError("42501", f"permission denied for table {resource.name}")

    async def _written(self, resource: Resource, written: Written) -> Any:
        return (await load_objects(self._session, resource, written.keys))[0]


def _literals(resource: Resource, key: Any) -> tuple[str, ...]:
    """The parts of a key as a filter's literals."""
    parts = key if isinstance(key, tuple) else (key,)
    if len(parts) != len(resource.primary_key):
        raise TypeError(f"the key of '{resource.name}' has {len(resource.primary_key)} columns")
    return tuple(map(_literal, parts))


def _literal(value: Any) -> str:
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, Enum):
        return value.name
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)
