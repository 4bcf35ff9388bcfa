"""JSON Schema as a Python annotation, for what functions take and give."""

from __future__ import annotations

from collections.abc import Iterable

from backstay.controllers.openapi.python_names import Names
from backstay.controllers.openapi.quoted import quoted
from backstay.models.resources.typed import Schema

_SCALARS = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
    "object": "dict[str, Any]",
}
_FORMATS = {
    "uuid": "uuid.UUID",
    "date-time": "dt.datetime",
    "date": "dt.date",
    "time": "dt.time",
}


def choice(choices: Iterable[object]) -> str:
    """One of these values."""
    return f"Literal[{', '.join(map(value, choices))}]"


def value(json: object) -> str:
    """A value of JSON. A literal type takes no other than text, whole numbers, booleans and null."""
    return quoted(json) if isinstance(json, str) else repr(json)


def annotation(schema: Schema | bool, names: Names) -> str:
    """The annotation of what the schema admits. What it does not say in words of types is any JSON."""
    return " | ".join(_alternatives(schema, names)) or "Any"


def _alternatives(schema: Schema | bool, names: Names) -> list[str]:
    if isinstance(schema, bool):
        return ["Any"]
    if "$ref" in schema:
        return [_reference(schema["$ref"], names)]
    if "const" in schema or "enum" in schema:
        return [choice(schema.get("enum", [schema.get("const")]))]
    for word in ("anyOf", "oneOf"):
        if word in schema:
            listed = [each for part in schema[word] for each in _alternatives(part, names)]
            return ["Any"] if "Any" in listed else list(dict.fromkeys(listed))
    if len(schema.get("allOf", ())) == 1:
        return _alternatives(schema["allOf"][0], names)
    kinds = schema.get("type", [])
    return [_of_type(kind, schema, names) for kind in ([kinds] if isinstance(kinds, str) else kinds)]


def _of_type(kind: str, schema: Schema, names: Names) -> str:
    if kind == "array" and "prefixItems" in schema:
        return f"tuple[{', '.join(annotation(part, names) for part in schema['prefixItems'])}]"
    if kind == "array":
        return f"list[{annotation(schema.get('items', {}), names)}]"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"dict[str, {annotation(schema['additionalProperties'], names)}]"
    if kind == "string":
        return _FORMATS.get(schema.get("format", ""), "str")
    return _SCALARS.get(kind, "Any")


def _reference(address: str, names: Names) -> str:
    name = address.rpartition("/")[2]
    table = name.removesuffix(".Row")
    if table != name and table in names.readable:
        return names.tables[table]
    return names.definitions.get(name, "Any")
