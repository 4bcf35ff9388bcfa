"""`Model`, the declarative base of users' models and of the platform's own tables.

Plain SQLAlchemy 2: annotations, `mapped_column`, `relationship`. What it adds are constraint names that are the same
everywhere (clients see them in embedding hints), and types that mean the same on both databases.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    Time,
    Uuid,
    event,
)
from sqlalchemy.orm import DeclarativeBase, MappedColumn, mapped_column

from backstay.models.types import portable
from backstay.utils.ids import uuid7

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}

PLATFORM_PREFIX = "backstay_"


class Model(DeclarativeBase):
    """Base class of every table the platform serves."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        bool: Boolean(),
        bytes: LargeBinary(),
        dt.date: Date(),
        dt.datetime: DateTime(timezone=True),
        dt.time: Time(),
        Decimal: Numeric(),
        dict[str, Any]: JSON(),
        float: Float(53),
        int: BigInteger(),
        list[Any]: JSON(),
        str: Text(),
        UUID: Uuid(),
    }


# Before, because attaching hands the column's type on to foreign keys that were defined earlier and point at it.
@event.listens_for(Column, "before_parent_attach")
def _make_portable(column: Column[Any], parent: object) -> None:
    if isinstance(parent, Table) and parent.metadata is Model.metadata:
        column.type = portable(column.type)


def primary_key() -> MappedColumn[UUID]:
    """A UUID primary key that sorts by creation time (version 7, made by the application)."""
    return mapped_column(Uuid(), primary_key=True, default=uuid7)


__all__ = ["NAMING", "PLATFORM_PREFIX", "Model", "primary_key"]
