"""The typed catalog as a TypeScript file: `Database`, in the form that `createClient<Database>` of supabase-js reads.

The client's own types resolve every select string, embed and filter against `Database`, so the form is theirs: one
`Row`, `Insert`, `Update` and `Relationships` for each table. Laid out as prettier would (no semicolons).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from backstay.controllers.openapi.quoted import quoted
from backstay.controllers.openapi.typescript_schema import WIDTH, key, members, schema_type, union
from backstay.models.catalog import Field, ValueKind
from backstay.models.resources.typed import Function, Relationship, TypedCatalog, TypedColumn, TypedTable

# The client switches on what PostgREST 13 brought (spreads of many rows, `maxAffected`) for the versions that it
# knows, and it compares no numbers: 14 is the last one (supabase-js 2.119). It sends nothing of this.
POSTGREST_VERSION = "14"

_SCALARS = {
    ValueKind.INTEGER: "number",
    ValueKind.FLOAT: "number",
    ValueKind.DECIMAL: "number",
    ValueKind.BOOLEAN: "boolean",
    ValueKind.JSON: "Json",
}
_NOTHING = ["[_ in never]: never"]

_JSON = """\
export type Json =
  | string
  | number
  | boolean
  | null
  | { [key: string]: Json | undefined }
  | Json[]
"""
_SHORT_NAMES = """\
type Public = Database["public"]

export type Tables<Name extends keyof Public["Tables"]> =
  Public["Tables"][Name]["Row"]
export type TablesInsert<Name extends keyof Public["Tables"]> =
  Public["Tables"][Name]["Insert"]
export type TablesUpdate<Name extends keyof Public["Tables"]> =
  Public["Tables"][Name]["Update"]
export type Enums<Name extends keyof Public["Enums"]> = Public["Enums"][Name]
export type CompositeTypes<Name extends keyof Public["CompositeTypes"]> =
  Public["CompositeTypes"][Name]
"""


def build_typescript(catalog: TypedCatalog, command: str) -> str:
    """The whole file.

    Args:
        command: what makes it, named in its first line.
    """
    public = [
        *_block("Tables: {", [line for table in catalog.tables for line in _table(table)]),
        *_block("Views: {", []),
        *_block("Functions: {", [line for each in catalog.functions for line in _function(each, catalog)]),
        *_block("Enums: {", [line for name in catalog.enums for line in _enum(name, catalog.enums[name])]),
        *_block("CompositeTypes: {", list(_definitions(catalog))),
    ]
    internals = _block("__InternalSupabase: {", [f"PostgrestVersion: {quoted(POSTGREST_VERSION)}"])
    database = _block("export type Database = {", [*internals, *_block("public: {", public)])
    header = [
        f"// The API's types for {catalog.audience}.",
        f"// Made by `{command}`: run it again instead of editing.",
    ]
    parts = ["\n".join(header) + "\n", _JSON, "\n".join(database) + "\n", _SHORT_NAMES, _constants(catalog)]
    return "\n".join(parts)


def _table(table: TypedTable) -> list[str]:
    row = [line for column in table.row for line in _entry(column, "?" if column.sometimes else "")]
    insert = [line for column in table.columns for line in _sent(column, table.creatable, column.required)]
    update = [line for column in table.columns for line in _sent(column, table.changeable, required=False)]
    body = [*_block("Row: {", row), *_block("Insert: {", insert), *_block("Update: {", update)]
    if table.computed:
        body += union("ComputedFields:", [quoted(column.name) for column in table.computed])
    body += _relationships(table.relationships)
    return [*_comment(table.description), *_block(f"{key(table.name)}: {{", body)]


def _entry(column: TypedColumn, mark: str) -> list[str]:
    """A column as a property. Choices that have no name are spelt out, one a line where they are many."""
    return union(f"{key(column.name)}{mark}:", _alternatives(column))


def _sent(column: TypedColumn, may_be_sent: bool, required: bool) -> list[str]:
    """A column as part of a body; `never` where nobody may give it a value."""
    if column.field.generated or not may_be_sent:
        return [f"{key(column.name)}?: never"]
    # A mask shows null; that does not make the column take it.
    sent = TypedColumn(column.field, nullable=column.field.nullable, enum=column.enum)
    return _entry(sent, "" if required else "?")


def _alternatives(column: TypedColumn) -> list[str]:
    field = column.field
    null = ["null"] if column.nullable else []
    if field.item is None:
        return [*_scalar(field, column.enum), *null]
    items = _scalar(field.item, column.enum)
    return [f"{items[0] if len(items) == 1 else '(' + ' | '.join(items) + ')'}[]", *null]


def _scalar(field: Field, enum: str | None) -> list[str]:
    if field.kind is not ValueKind.ENUM:
        return [_SCALARS.get(field.kind, "string")]
    if enum is not None:
        return [f'Database["public"]["Enums"][{quoted(enum)}]']
    return [quoted(choice) for choice in field.choices]


def _relationships(relationships: Sequence[Relationship]) -> list[str]:
    if not relationships:
        return ["Relationships: []"]
    body = []
    for each in relationships:
        body += [
            "{",
            f"  foreignKeyName: {quoted(each.constraint)}",
            f"  columns: [{', '.join(map(quoted, each.columns))}]",
            f"  isOneToOne: {json.dumps(each.is_one_to_one)}",
            f"  referencedRelation: {quoted(each.target)}",
            f"  referencedColumns: [{', '.join(map(quoted, each.target_columns))}]",
            "},",
        ]
    return ["Relationships: [", *_indented(body), "]"]


def _function(function: Function, catalog: TypedCatalog) -> list[str]:
    arguments = [
        f"{key(each.name)}{'' if each.required else '?'}: {schema_type(each.schema, catalog)}"
        for each in function.arguments
    ]
    returns = "undefined" if function.returns is None else schema_type(function.returns, catalog)
    body = _block("Args: {", arguments) if arguments else ["Args: Record<PropertyKey, never>"]
    return [
        *_comment(function.description),
        *_block(f"{key(function.name)}: {{", [*body, f"Returns: {returns}"]),
    ]


def _definitions(catalog: TypedCatalog) -> Iterable[str]:
    for name, schema in catalog.definitions.items():
        if "properties" in schema:
            yield from _block(f"{key(name)}: {{", members(schema, catalog))
        else:
            yield f"{key(name)}: {schema_type(schema, catalog)}"


def _enum(name: str, choices: Sequence[str]) -> list[str]:
    return union(f"{key(name)}:", [quoted(choice) for choice in choices])


def _constants(catalog: TypedCatalog) -> str:
    """The choices as values, for a program that lists them."""
    enums = [line for name, choices in catalog.enums.items() for line in _listed(name, choices)]
    body = ["Enums: {", *_indented(enums), "},"] if enums else ["Enums: {},"]
    lines = ["export const Constants = {", *_indented(["public: {", *_indented(body), "},"]), "} as const"]
    return "\n".join(lines) + "\n"


def _listed(name: str, choices: Sequence[str]) -> list[str]:
    line = f"{key(name)}: [{', '.join(map(quoted, choices))}],"
    if len(line) <= WIDTH:
        return [line]
    return [f"{key(name)}: [", *_indented([f"{quoted(each)}," for each in choices]), "],"]


def _comment(text: str) -> list[str]:
    return [f"/** {re.sub(r'[*]/', '* /', text)} */"] if text else []


def _block(head: str, body: Sequence[str]) -> list[str]:
    return [head, *_indented(body or _NOTHING), "}"]


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]
