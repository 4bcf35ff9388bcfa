"""Parameters of the generated operations: the query grammar, the headers, the key in the path.

One table's filters are component parameters, so that every operation can point at them. `Prefer`, which a
server must be free to ignore, is any text here. What goes with one value of a header only (`Range`, `If-Match`,
`on_conflict`) is in the words of the operations.
"""

from __future__ import annotations

import re
from typing import Any

from backstay.controllers.openapi.audience import shown_fields, steady_embeds, steady_fields
from backstay.controllers.openapi.examples import example, example_filter, example_key
from backstay.controllers.openapi.literals import KEY_TEXT, filter_pattern, key_pattern, listed_literal
from backstay.controllers.openapi.schemas import Schema, field_schema
from backstay.models.bounds import Keywords, check_keywords
from backstay.models.catalog import Field, Resource, ValueKind

Parameter = dict[str, Any]

# Names that the grammar of the query string keeps for itself.
RESERVED = frozenset({"select", "columns", "on_conflict", "order", "limit", "offset", "and", "or"})
# Digits, as PostgREST describes them: what is no number is refused with 400, and a negative one with 416.
_COUNT: Schema = {"type": "string", "pattern": "^[0-9]{1,18}$"}
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_$]+")
_UNORDERED = frozenset({ValueKind.ARRAY, ValueKind.JSON, ValueKind.RANGE})
_TAG = r'(?:W/)?"[!#-~]*"'

SHARED_PARAMETERS: dict[str, Parameter] = {
    "limit": {
        "name": "limit",
        "in": "query",
        "description": "Most rows to answer.",
        "schema": _COUNT,
        "example": "25",
    },
    "offset": {
        "name": "offset",
        "in": "query",
        "description": "Rows to skip.",
        "schema": _COUNT,
        "example": "0",
    },
    "ifNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "An ETag; the answer is 304 while the row still has it (RFC 9110, section 13.1.2).",
        "schema": {"type": "string", "pattern": rf"^(?:\*|{_TAG}(?:, {_TAG})*)?$"},
    },
    "preferRead": {
        "name": "Prefer",
        "in": "header",
        "description": "`count=exact`, `count=planned` or `count=estimated` adds the number of rows to `Content-Range`;"
        " `cursor` asks for a `Link` to the next page;"
        " `timezone=Europe/Berlin` shows points in time in that zone; `handling=strict` refuses preferences that are not known.",
        "schema": {"type": "string"},
    },
    "preferWrite": {
        "name": "Prefer",
        "in": "header",
        "description": "`return=minimal`, `return=headers-only` or `return=representation`; `count=exact`;"
        " with `handling=strict`, `max-affected=N` undoes a write of more rows.",
        "schema": {"type": "string"},
        "example": "return=representation",
    },
    "preferInsert": {
        "name": "Prefer",
        "in": "header",
        "description": "`return=minimal`, `return=headers-only` or `return=representation`;"
        " `resolution=merge-duplicates` or `resolution=ignore-duplicates` for rows that exist;"
        " `missing=default` gives absent keys their default rather than null.",
        "schema": {"type": "string"},
        "example": "return=representation",
    },
}


def shared(name: str) -> Parameter:
    """A reference to a component parameter."""
    return {"$ref": f"#/components/parameters/{name}"}


def component_parameters(resource: Resource) -> dict[str, Parameter]:
    """The component parameters of one table, by component name."""
    name = resource.name
    parameters = {
        f"{name}.select": _select(resource),
        f"{name}.order": _order(resource),
        f"{name}.id": _key(resource),
    }
    checks = check_keywords(resource)
    for field in filter_fields(resource):
        parameters[f"{name}.filter.{field.name}"] = {
            "name": field.name,
            "in": "query",
            "description": f"Filter on `{field.name}`: an operator, a dot and a value.",
            "schema": {"type": "string", "pattern": filter_pattern(field)},
            "example": example_filter(field, checks.get(field.name, {})),
        }
    return parameters


def filter_fields(resource: Resource) -> list[Field]:
    """Columns whose filters are promised to every reader.

    A column called `id` filters as others do, but is left to the words: tools take a parameter of that name for the
    bare key of a row, and would send it without an operator.
    """
    return [field for field in steady_fields(resource) if field.name not in RESERVED and field.name != "id"]


def row_filters(resource: Resource) -> list[Parameter]:
    """One optional parameter for each column."""
    return [shared(f"{resource.name}.filter.{field.name}") for field in filter_fields(resource)]


def required_filter(resource: Resource) -> list[Parameter]:
    """The filter of a write: on the first column of the primary key where every caller has that.

    OpenAPI cannot say "at least one of these parameters" for scalars, and tools disagree on exploded objects; that
    other columns do as well is in the words of the operation.
    """
    key = resource.primary_key[0]
    if key.name == "id" and key in steady_fields(resource):
        return [_key_condition(key, check_keywords(resource).get(key.name, {}))]
    fields = filter_fields(resource)
    named = [field for field in resource.primary_key if field in fields] or fields
    parameters = component_parameters(resource)
    return [{**parameters[f"{resource.name}.filter.{field.name}"], "required": True} for field in named[:1]]


def _key_condition(key: Field, checks: Keywords) -> Parameter:
    """The same on a key called `id`, as a condition."""
    return {
        "name": "and",
        "in": "query",
        "required": True,
        "description": "Conditions, joined by commas, in brackets.",
        "schema": {"type": "string", "pattern": rf"^\(id\.eq\.{listed_literal(key)}\)$"},
        "example": f"(id.{example_filter(key, checks)})",
    }


def conflict_targets(resource: Resource) -> list[str]:
    """The sets of columns that no two rows share, as `on_conflict` names them."""
    shown = {field.name for field in shown_fields(resource)}
    targets = [",".join(unique.fields) for unique in resource.uniques if shown.issuperset(unique.fields)]
    return list(dict.fromkeys(targets))


def _select(resource: Resource) -> Parameter:
    columns = "|".join([r"\*", *(_named(field) for field in steady_fields(resource))])
    names = [name for name, _ in steady_embeds(resource)]
    embeds = "".join(rf"(?:,{re.escape(name)}\(\*\))?" for name in names)
    return {
        "name": "select",
        "in": "query",
        "description": "What to answer of each row: columns, then rows of related tables"
        + (f" (`{names[0]}(*)`)" if names else "")
        + ", joined by commas. The full grammar also has aliases (`alias:column`), casts (`column::text`), JSON paths"
        " (`column->key`), hints (`table!hint(*)`), `!inner`, spreads (`...table(column)`) and aggregates (`count()`,"
        " `column.sum()`). All columns but computed ones when left out.",
        "schema": {"type": "string", "pattern": rf"^(?: *|(?:{columns})(?:,(?:{columns}))*{embeds})$"},
        "example": "*",
    }


def _order(resource: Resource) -> Parameter:
    sortable = [field for field in steady_fields(resource) if field.kind not in _UNORDERED]
    term = (
        f"(?:{'|'.join(_named(field) for field in sortable)})"
        r"(?:\.(?:asc|desc))?(?:\.(?:nullsfirst|nullslast))?"
    )
    return {
        "name": "order",
        "in": "query",
        "description": "Columns to sort by, joined by commas, each with `.asc` or `.desc` and `.nullsfirst` or"
        " `.nullslast`. Rows come in the order of their primary key when left out.",
        "schema": {"type": "string", "pattern": f"^{term}(?:,{term})*$"},
        **({"example": f"{_bare(sortable[0])}.desc"} if sortable else {}),
    }


def _bare(field: Field) -> str:
    """The column's name as a list of names has it: in quotes where it is not plain."""
    return (
        field.name
        if _PLAIN_NAME.fullmatch(field.name)
        else '"' + re.sub(r'(["\\])', r"\\\1", field.name) + '"'
    )


def _named(field: Field) -> str:
    return re.escape(_bare(field))


def _key(resource: Resource) -> Parameter:
    checks = check_keywords(resource)
    key = resource.primary_key
    columns = ", ".join(f"`{field.name}`" for field in key)
    return {
        "name": "id",
        "in": "path",
        "required": True,
        "description": f"Primary key: {columns}" + (", joined by a comma." if len(key) > 1 else "."),
        "schema": _key_schema(key),
        "example": example(key[0], checks.get(key[0].name, {}))
        if len(key) == 1
        else example_key(key, checks),
    }


def _key_schema(key: tuple[Field, ...]) -> Schema:
    field = key[0]
    if len(key) > 1 or field.kind not in (ValueKind.TEXT, ValueKind.INTEGER, ValueKind.UUID, ValueKind.ENUM):
        return {"type": "string", "pattern": key_pattern(key)}
    schema = field_schema(field, {}, nullable=False)
    if field.kind is ValueKind.TEXT:
        schema["pattern"] = f"^{KEY_TEXT}$"
    return schema
