"""The typed catalog as a Python module: Pydantic models of rows, and dictionaries of what supabase-py sends.

The form is that of the published generator: for a table `trips` a model `PublicTrips`, and the TypedDicts
`PublicTripsInsert` and `PublicTripsUpdate`. The types are those that a decoded answer validates as and that the
client's encoder takes. Laid out as ruff would.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from backstay.controllers.openapi.python_names import Names, attribute_names, is_plain
from backstay.controllers.openapi.python_schema import annotation, choice, value
from backstay.controllers.openapi.quoted import quoted
from backstay.models.catalog import Field, ValueKind
from backstay.models.resources.typed import Function, Schema, TypedCatalog, TypedColumn, TypedTable

WIDTH = 88

_READ = {
    ValueKind.INTEGER: "int",
    ValueKind.FLOAT: "float",
    ValueKind.DECIMAL: "float",
    ValueKind.BOOLEAN: "bool",
    ValueKind.UUID: "uuid.UUID",
    ValueKind.TIMESTAMP: "dt.datetime",
    ValueKind.DATETIME: "dt.datetime",
    ValueKind.DATE: "dt.date",
    ValueKind.TIME: "dt.time",
    ValueKind.BYTES: "Bytea",
    ValueKind.JSON: "JsonValue",
}
# What differs on the way to the server: an exact number may go as text, and JSON needs no model.
_SENT = _READ | {ValueKind.DECIMAL: "float | str", ValueKind.BYTES: "bytes", ValueKind.JSON: "Any"}

_MODULES = (
    ("typing", ("Annotated", "Any", "Literal", "NotRequired", "TypeAlias")),
    ("pydantic", ("BaseModel", "BeforeValidator", "Field", "JsonValue")),
    # Pydantic takes no other before Python 3.12.
    ("typing_extensions", ("TypedDict",)),
)
_BYTEA = r'''
def _bytes(value: object) -> object:
    """Bytes, from the hexadecimal digits after `\\x` that an answer has for them."""
    if isinstance(value, str) and value.startswith("\\x"):
        return bytes.fromhex(value[2:])
    return value


Bytea: TypeAlias = Annotated[bytes, BeforeValidator(_bytes)]
'''

# A key's annotation, and whether a dictionary must have the key.
Entries = Mapping[str, tuple[str, bool]]


def build_python(catalog: TypedCatalog, command: str) -> str:
    """The whole module.

    Args:
        command: what makes it, named in its docstring.
    """
    names = Names(catalog)
    enums = [_enum(names.enums[name], choices) for name, choices in catalog.enums.items()]
    classes = [part for table in catalog.tables for part in _table(table, names)]
    aliases: list[str] = []
    for name, schema in catalog.definitions.items():
        (classes if "properties" in schema else aliases).append(_definition(name, schema, names))
    for function in catalog.functions:
        classes += _arguments(function, names)
        aliases.append(_returns(function, names))
    if any("Bytea" in part for part in classes):
        classes = [_BYTEA.strip("\n") + "\n", *classes]
    body = "\n\n".join(["".join(enums), *classes, "".join(aliases)]).strip("\n") + "\n"
    heading = (
        f'"""The API\'s types for {catalog.audience}.\n\n'
        f'Made by `{command}`: run it again instead of editing.\n"""\n'
    )
    gap = "\n\n" if body.startswith(("class ", "def ")) else "\n"
    return f"{heading}\nfrom __future__ import annotations\n\n{_imports(body)}{gap}{body}".rstrip() + "\n"


def _table(table: TypedTable, names: Names) -> Iterable[str]:
    name = names.tables[table.name]
    if table.readable:
        yield _model(name, table, names)
    if table.creatable:
        yield _dictionary(f"{name}Insert", _entries(table, names, is_whole=True))
    if table.changeable:
        yield _dictionary(f"{name}Update", _entries(table, names, is_whole=False))


def _model(name: str, table: TypedTable, names: Names) -> str:
    attributes = attribute_names(column.name for column in table.row)
    lines = [
        # What `*` leaves out is as absent as what only some callers have.
        _attribute(column, attributes[column.name], names, column.sometimes or column in table.computed)
        for column in table.row
    ]
    return _class(name, "BaseModel", table.description, lines)


def _attribute(column: TypedColumn, name: str, names: Names, may_be_absent: bool) -> str:
    kind = _or_none(_kind(column, names, _READ), column.nullable or may_be_absent)
    options = ["default=None"] if may_be_absent else []
    if name != column.name:
        return f"{name}: {kind} = Field({', '.join([*options, f'alias={quoted(column.name)}'])})"
    return f"{name}: {kind} = None" if may_be_absent else f"{name}: {kind}"


def _entries(table: TypedTable, names: Names, *, is_whole: bool) -> Entries:
    return {
        column.name: (
            _or_none(_kind(column, names, _SENT), column.field.nullable),
            is_whole and column.required,
        )
        for column in table.columns
        if not column.field.generated
    }


def _kind(column: TypedColumn, names: Names, kinds: Mapping[ValueKind, str]) -> str:
    item = column.field.item
    if item is None:
        return _scalar(column.field, column.enum, names, kinds)
    # The database takes null for an item, and validation must not fail over what it gave.
    return f"list[{_or_none(_scalar(item, column.enum, names, kinds), item.nullable)}]"


def _scalar(field: Field, enum: str | None, names: Names, kinds: Mapping[ValueKind, str]) -> str:
    if field.kind is not ValueKind.ENUM:
        return kinds.get(field.kind, "str")
    return names.enums[enum] if enum is not None else choice(field.choices)


def _definition(name: str, schema: Schema, names: Names) -> str:
    if "properties" not in schema:
        return _alias(names.definitions[name], annotation(schema, names))
    required = schema.get("required", ())
    entries = {key: (annotation(part, names), key in required) for key, part in schema["properties"].items()}
    return _dictionary(names.definitions[name], entries, schema.get("description", ""))


def _arguments(function: Function, names: Names) -> Iterable[str]:
    entries = {each.name: (annotation(each.schema, names), each.required) for each in function.arguments}
    if entries:
        yield _dictionary(f"{names.functions[function.name]}Args", entries, function.description)


def _returns(function: Function, names: Names) -> str:
    returns = "None" if function.returns is None else annotation(function.returns, names)
    return _alias(f"{names.functions[function.name]}Returns", returns)


def _dictionary(name: str, entries: Entries, description: str = "") -> str:
    lines = {
        key: kind if is_required else f"NotRequired[{kind}]" for key, (kind, is_required) in entries.items()
    }
    if all(map(is_plain, lines)):
        return _class(name, "TypedDict", description, [f"{key}: {kind}" for key, kind in lines.items()])
    # Keys that no class body can spell. Here annotations are evaluated at once, so what they name is put in quotes.
    late = {
        key: quoted(kind) if is_required else f"NotRequired[{quoted(kind)}]"
        for key, (kind, is_required) in entries.items()
    }
    body = "".join(f"        {quoted(key)}: {kind},\n" for key, kind in late.items())
    return f"{name} = TypedDict(\n    {quoted(name)},\n    {{\n{body}    }},\n)\n"


def _class(name: str, base: str, description: str, lines: Sequence[str]) -> str:
    text = description.replace("\\", "\\\\").replace('"""', "'''")
    docstring = [f'"""{text}{" " if text.endswith(chr(34)) else ""}"""'] if text else []
    gap = [""] if docstring and lines else []
    body = [*docstring, *gap, *(lines or ([] if docstring else ["pass"]))]
    return "\n".join([f"class {name}({base}):", *(f"    {line}" if line else "" for line in body)]) + "\n"


def _enum(name: str, choices: Sequence[str]) -> str:
    line = _alias(name, choice(choices))
    if len(line) <= WIDTH + 1:
        return line
    return f"{name}: TypeAlias = Literal[\n" + "".join(f"    {value(each)},\n" for each in choices) + "]\n"


def _alias(name: str, kind: str) -> str:
    return f"{name}: TypeAlias = {kind}\n"


def _or_none(kind: str, may_be_none: bool) -> str:
    return f"{kind} | None" if may_be_none and kind not in ("Any", "None") else kind


def _imports(body: str) -> str:
    modules = {"dt": "import datetime as dt\n", "uuid": "import uuid\n"}
    plain = [line for name, line in modules.items() if re.search(rf"\b{name}\.", body)]
    lines = []
    for module, known in _MODULES:
        used = [name for name in known if re.search(rf"\b{name}\b", body)]
        lines.append(f"from {module} import {', '.join(used)}\n" if used else "")
    standard = "".join([*plain, lines[0]])
    foreign = "".join(lines[1:])
    return "\n".join(group for group in (standard, foreign) if group)
