"""What a field of the schema stands for. Each field of the schema carries its meaning, so that reading a selection is a
look-up and never a guess from names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphql import GraphQLField

from backstay.models.catalog import Field, Relation, Resource
from backstay.models.resources.actions import Action
from backstay.models.resources.request import Aggregate


@dataclass(frozen=True, slots=True, eq=False)
class ColumnField:
    """A column's value."""

    field: Field


@dataclass(frozen=True, slots=True, eq=False)
class NodeIdField:
    """The row's name in the whole schema, made of its primary key."""


@dataclass(frozen=True, slots=True, eq=False)
class ToOne:
    """The one related row, or null."""

    relation: Relation


@dataclass(frozen=True, slots=True, eq=False)
class ToMany:
    """A connection of related rows."""

    relation: Relation


@dataclass(frozen=True, slots=True, eq=False)
class AggregateField:
    """One value out of all rows of a connection."""

    function: Aggregate
    field: Field | None
    outcome: Field


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """At the root: a connection of a table's rows."""

    resource: Resource


@dataclass(frozen=True, slots=True, eq=False)
class ByKey:
    """At the root: one row by its primary key."""

    resource: Resource


@dataclass(frozen=True, slots=True, eq=False)
class NodeField:
    """At the root: one row of any table by its `nodeId`."""


@dataclass(frozen=True, slots=True, eq=False)
class Insertion:
    """At the root of mutations: new rows."""

    resource: Resource


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """At the root of mutations: columns set in the rows that are found."""

    resource: Resource


@dataclass(frozen=True, slots=True, eq=False)
class Deletion:
    """At the root of mutations: the rows that are found go."""

    resource: Resource


@dataclass(frozen=True, slots=True, eq=False)
class Calling:
    """At the root: a call of an action."""

    action: Action


def meaning_of(field: GraphQLField) -> Any:
    """What a field stands for; None for what is part of the form, such as `edges`."""
    return field.extensions.get("meaning")


def resource_of(type_: Any) -> Resource:
    """The table whose rows an object type shows."""
    resource: Resource = type_.extensions["resource"]
    return resource
