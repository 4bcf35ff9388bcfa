"""Rows as objects of the user's models, on a session: what hooks and the user's own code are given.

In charge of loading them by the keys that a write returned, as they are in the database now; and of one row as its
caller may read it. Not in charge of what is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Select, inspect, select, tuple_
from sqlalchemy.orm import Mapper

from backstay.errors import BackstayError
from backstay.models.access.caller import Caller
from backstay.models.catalog import Resource
from backstay.repositories.database.sessions import Session
from backstay.repositories.repository import Repository
from backstay.repositories.resources.dialects import stored
from backstay.repositories.resources.keyed import Key

# SQLite takes 32,766 parameters, of which a row may need several.
_KEYS_AT_ONCE = 500
# What an action may give before filters and limits of the caller.
_MOST_KEYS = 10_000


async def load_objects(session: Session, resource: Resource, keys: Sequence[Key]) -> list[Any]:
    """The rows of those keys, in their order, as they are now. Keys are as the driver gives them."""
    columns = [field.column for field in resource.primary_key]
    mapper: Mapper[Any] = inspect(resource.model)
    attributes = [mapper.get_property_by_column(column).key for column in columns]
    found: dict[Key, Any] = {}
    wanted = _read_keys(session, resource, keys)
    for first in range(0, len(wanted), _KEYS_AT_ONCE):
        some = wanted[first : first + _KEYS_AT_ONCE]
        if len(columns) == 1:
            among = columns[0].in_([key[0] for key in some])
        else:
            among = tuple_(*columns).in_(some)
        statement: Select[Any] = select(resource.model).where(among).execution_options(populate_existing=True)
        for row in await session.scalars(statement):
            found[tuple(getattr(row, attribute) for attribute in attributes)] = row
    return [found[key] for key in wanted]


async def keys_of(session: Session, resource: Resource, rows: Any) -> list[Key]:
    """The keys of objects, or of what a `Select` of the user's finds, as a document of keys holds them.

    Raises:
        BackstayError: `54000` for too many.
        TypeError: for what is no object of the resource's model.
    """
    if isinstance(rows, Select):
        rows = (
            await session.scalars(rows.limit(_MOST_KEYS + 1) if rows._limit_clause is None else rows)
        ).all()
    await session.flush()
    found = list(rows)
    if len(found) > _MOST_KEYS:
        raise BackstayError("54000", f"an action may give at most {_MOST_KEYS} rows")
    mapper: Mapper[Any] = inspect(resource.model)
    attributes = [(mapper.get_property_by_column(field.column).key, field) for field in resource.primary_key]
    for row in found:
        if not isinstance(row, resource.model):
            raise TypeError(f"an action that gives rows of '{resource.name}' gave {type(row).__name__}")
    return [tuple(stored(getattr(row, attribute), field) for attribute, field in attributes) for row in found]


def column_values(resource: Resource, row: Any) -> dict[str, Any]:
    """What an object holds, by column."""
    mapper: Mapper[Any] = inspect(resource.model)
    return {
        name: getattr(row, mapper.get_property_by_column(field.column).key)
        for name, field in resource.fields.items()
    }


def release(session: Session, rows: Iterable[Any]) -> None:
    """Let go of objects whose rows were deleted; they keep what they hold."""
    for row in rows:
        if row in session:
            session.expunge(row)


async def readable_object(session: Session, caller: Caller, resource: Resource, key: Key) -> Any | None:
    """The row of that key if this caller may read it."""
    columns = [field.column for field in resource.primary_key]
    same = [column == part for column, part in zip(columns, key, strict=True)]
    readable: Select[Any] = Repository(session, caller).readable(resource.model).where(*same)
    return await session.scalar(readable.execution_options(populate_existing=True))


def _read_keys(session: Session, resource: Resource, keys: Sequence[Key]) -> list[Key]:
    """Keys as Python's values, from what the driver gave."""
    dialect = session.get_bind().dialect
    read = []
    for field in resource.primary_key:
        processor = field.column.type.dialect_impl(dialect).result_processor(dialect, None)
        read.append(processor or (lambda value: value))
    return [tuple(each(part) for each, part in zip(read, key, strict=True)) for key in keys]
