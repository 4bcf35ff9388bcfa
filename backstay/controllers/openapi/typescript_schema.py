"""JSON Schema as a TypeScript type, for what functions take and give; and how TypeScript spells names and unions."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from backstay.controllers.openapi.quoted import quoted
from backstay.models.resources.typed import Schema, TypedCatalog

WIDTH = 80
# As deep as a line goes in the file, roughly; what is longer is one alternative a line.
_INDENT = 10

_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_SCALARS = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
    "object": "Record<string, Json>",
}


def key(name: str) -> str:
    """A property's name, quoted where it has to be."""
    return name if _IDENTIFIER.fullmatch(name) else quoted(name)


def union(head: str, alternatives: Sequence[str]) -> list[str]:
    """`head a | b`; over lines where it is long."""
    line = f"{head} {' | '.join(alternatives)}"
    if len(line) + _INDENT <= WIDTH or len(alternatives) == 1:
        return [line]
    return [head, *(f"  | {alternative}" for alternative in alternatives)]


def schema_type(schema: Schema | bool, catalog: TypedCatalog) -> str:
    """The type of what the schema admits. What it does not say in words of types is any JSON."""
    return " | ".join(_alternatives(schema, catalog)) or "Json"


def members(schema: Schema, catalog: TypedCatalog) -> list[str]:
    """The members of an object, one for each of the schema's properties."""
    required = schema.get("required", ())
    return [
        f"{key(name)}{'' if name in required else '?'}: {schema_type(part, catalog)}"
        for name, part in schema["properties"].items()
    ]


def _alternatives(schema: Schema | bool, catalog: TypedCatalog) -> list[str]:
    if isinstance(schema, bool):
        return ["Json"]
    if "$ref" in schema:
        return [_reference(schema["$ref"], catalog)]
    if "const" in schema or "enum" in schema:
        return [_literal(value) for value in schema.get("enum", [schema.get("const")])]
    for word in ("anyOf", "oneOf"):
        if word in schema:
            listed = [each for part in schema[word] for each in _alternatives(part, catalog)]
            return ["Json"] if "Json" in listed else list(dict.fromkeys(listed))
    if len(schema.get("allOf", ())) == 1:
        return _alternatives(schema["allOf"][0], catalog)
    kinds = schema.get("type", [])
    return [_of_type(kind, schema, catalog) for kind in ([kinds] if isinstance(kinds, str) else kinds)]


def _of_type(kind: str, schema: Schema, catalog: TypedCatalog) -> str:
    if kind == "array":
        if "prefixItems" in schema:
            return f"[{', '.join(schema_type(part, catalog) for part in schema['prefixItems'])}]"
        items = schema_type(schema.get("items", {}), catalog)
        return f"({items})[]" if "|" in items else f"{items}[]"
    if kind == "object" and "properties" in schema:
        return f"{{ {'; '.join(members(schema, catalog))} }}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"Record<string, {schema_type(schema['additionalProperties'], catalog)}>"
    return _SCALARS.get(kind, "Json")


def _reference(address: str, catalog: TypedCatalog) -> str:
    name = address.rpartition("/")[2]
    table = name.removesuffix(".Row")
    if table != name and any(each.name == table for each in catalog.tables):
        return f'Database["public"]["Tables"][{quoted(table)}]["Row"]'
    return f'Database["public"]["CompositeTypes"][{quoted(name)}]' if name in catalog.definitions else "Json"


def _literal(value: object) -> str:
    if isinstance(value, str):
        return quoted(value)
    return "Json" if isinstance(value, dict | list) else json.dumps(value)
