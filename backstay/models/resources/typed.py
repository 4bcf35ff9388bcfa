"""The catalog as one audience's types: what a row has, what may be sent, which way leads where, what can be called.

Values that travel from the service that decides what is in them to the renderers of each language. What an audience
cannot see is not in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backstay.models.catalog import Field

# JSON Schema (draft 2020-12), as Pydantic makes it.
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class TypedColumn:
    """One column.

    Attributes:
        nullable: null in some row, since the column is, or because a rule masks it.
        sometimes: some members of the audience have it in their rows and others do not.
        required: a new row needs a value for it.
        enum: name of its enumeration, which `TypedCatalog.enums` has.
    """

    field: Field
    nullable: bool
    sometimes: bool = False
    required: bool = False
    enum: str | None = None

    @property
    def name(self) -> str:
        """The column's name."""
        return self.field.name


@dataclass(frozen=True, slots=True)
class Relationship:
    """One foreign key, at the table that has it. Every other way between tables follows from these."""

    constraint: str
    columns: tuple[str, ...]
    is_one_to_one: bool
    target: str
    target_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TypedTable:
    """One table.

    Attributes:
        columns: those that exist for the audience, in the table's order.
        computed: what is no column but can be selected by name; `*` leaves it out.
        readable, creatable, changeable: the verb is possible for some member.
    """

    name: str
    description: str
    columns: tuple[TypedColumn, ...]
    relationships: tuple[Relationship, ...] = ()
    computed: tuple[TypedColumn, ...] = ()
    readable: bool = True
    creatable: bool = True
    changeable: bool = True

    @property
    def row(self) -> tuple[TypedColumn, ...]:
        """What can be read of a row."""
        return (*self.columns, *self.computed) if self.readable else ()


@dataclass(frozen=True, slots=True)
class Argument:
    """One named argument of a function."""

    name: str
    schema: Schema
    required: bool = True


@dataclass(frozen=True, slots=True)
class Function:
    """What can be called by name under `/rest/v1/rpc/`.

    Attributes:
        returns: schema of the answer; None for an answer without content.
        definitions: what `#/$defs/NAME` means in the schemas. `#/components/schemas/TABLE.Row` is a row of a table.
    """

    name: str
    arguments: tuple[Argument, ...] = ()
    returns: Schema | None = None
    definitions: Mapping[str, Schema] = field(default_factory=dict)
    description: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class TypedCatalog:
    """Everything one audience has types for, each part by name.

    Attributes:
        audience: who they are, for people.
        enums: choices by name.
    """

    audience: str
    tables: tuple[TypedTable, ...]
    enums: Mapping[str, tuple[str, ...]]
    functions: tuple[Function, ...] = ()

    @property
    def definitions(self) -> Mapping[str, Schema]:
        """Named schemas of all functions together, by name."""
        named = {name: schema for each in self.functions for name, schema in each.definitions.items()}
        return dict(sorted(named.items()))
