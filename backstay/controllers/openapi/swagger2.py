"""The root of `/rest/v1/`: the tables as Swagger 2.0, in the form that PostgREST's clients read.

Admin tools guess their forms from `definitions.<table>.properties.<column>.{type,format,description}` and follow the
notes on keys in the descriptions. Everything else is told better by the OpenAPI 3.1 document.
"""

from __future__ import annotations

from typing import Any

from backstay.controllers.openapi.audience import described, is_never, shown_fields, writable_fields
from backstay.controllers.openapi.parameters import RESERVED
from backstay.controllers.openapi.schemas import targets
from backstay.models.catalog import Catalog, Field, Resource, ValueKind

Document = dict[str, Any]

_TYPES = {
    ValueKind.INTEGER: "integer",
    ValueKind.FLOAT: "number",
    ValueKind.DECIMAL: "number",
    ValueKind.BOOLEAN: "boolean",
    ValueKind.ARRAY: "array",
}
_MEDIA_TYPES = ["application/json", "application/vnd.pgrst.object+json", "text/csv"]
_SHARED_PARAMETERS: Document = {
    "select": {"name": "select", "in": "query", "type": "string", "description": "Filtering Columns"},
    "order": {"name": "order", "in": "query", "type": "string", "description": "Ordering"},
    "limit": {"name": "limit", "in": "query", "type": "string", "description": "Limiting and Pagination"},
    "offset": {"name": "offset", "in": "query", "type": "string", "description": "Limiting and Pagination"},
    "on_conflict": {"name": "on_conflict", "in": "query", "type": "string", "description": "On Conflict"},
    "range": {"name": "Range", "in": "header", "type": "string", "description": "Limiting and Pagination"},
    "rangeUnit": {"name": "Range-Unit", "in": "header", "type": "string", "default": "items"},
    "preferCount": {
        "name": "Prefer",
        "in": "header",
        "type": "string",
        "description": "Preference",
        "enum": ["count=none", "count=exact", "count=planned", "count=estimated"],
    },
    "preferReturn": {
        "name": "Prefer",
        "in": "header",
        "type": "string",
        "description": "Preference",
        "enum": ["return=representation", "return=minimal", "return=headers-only"],
    },
}


def build_swagger2(catalog: Catalog, *, title: str, version: str, server_url: str) -> Document:
    """The Swagger 2.0 document as a JSON-ready value.

    Args:
        server_url: where the application is reached, such as `http://127.0.0.1:8000`; `/` for wherever this is read.
    """
    scheme, absolute, host = server_url.partition("://")
    address = {"host": host.split("/", 1)[0], "schemes": [scheme]} if absolute else {}
    resources = described(catalog)
    return {
        "swagger": "2.0",
        "info": {"title": title, "version": version, "description": "Rows of the application's tables."},
        **address,
        "basePath": "/rest/v1",
        "consumes": ["application/json"],
        "produces": list(_MEDIA_TYPES),
        "paths": {f"/{resource.name}": _path(resource) for resource in resources},
        "definitions": {resource.name: _definition(resource) for resource in resources},
        "parameters": _SHARED_PARAMETERS | _table_parameters(resources),
        "securityDefinitions": {
            "JWT": {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "Bearer and the token",
            },
            "apikey": {"type": "apiKey", "in": "header", "name": "apikey"},
        },
    }


def _definition(resource: Resource) -> Document:
    fields = shown_fields(resource)
    definition: Document = {
        "type": "object",
        "properties": {field.name: _property(resource, field) for field in fields},
    }
    required = [field.name for field in fields if not field.nullable]
    if required:
        definition["required"] = required
    if resource.description:
        definition["description"] = resource.description
    return definition


def _property(resource: Resource, field: Field) -> Document:
    described_as: Document = {"format": _format(field)}
    if field.kind is not ValueKind.JSON:
        described_as["type"] = _TYPES.get(field.kind, "string")
    if field.item is not None:
        described_as["items"] = {"type": _TYPES.get(field.item.kind, "string")}
    if field.length is not None:
        described_as["maxLength"] = field.length
    if field.choices:
        described_as["enum"] = list(field.choices)
    if field.generated:
        described_as["readOnly"] = True
    note = _note(resource, field)
    return {**described_as, "description": note} if note else described_as


def _format(field: Field) -> str:
    if field.kind is ValueKind.ENUM and field.sql_type != "text":
        return f"public.{field.sql_type}"
    return field.sql_type


def _note(resource: Resource, field: Field) -> str:
    """PostgREST's own words, which its clients match."""
    lines = ["This is a Primary Key.<pk/>"] if field in resource.primary_key else []
    lines += [
        f"This is a Foreign Key to `{table}.{column}`.<fk table='{table}' column='{column}'/>"
        for table, column in targets(resource, field)
    ]
    return "Note:\n" + "\n".join(lines) if lines else ""


def _table_parameters(resources: list[Resource]) -> Document:
    parameters: Document = {}
    for resource in resources:
        name = resource.name
        parameters[f"body.{name}"] = {
            "name": name,
            "in": "body",
            "description": name,
            "required": False,
            "schema": {"$ref": f"#/definitions/{name}"},
        }
        for field in shown_fields(resource):
            parameters[f"rowFilter.{name}.{field.name}"] = {
                "name": field.name,
                "in": "query",
                "type": "string",
                "format": _format(field),
                "required": False,
            }
    return parameters


def _path(resource: Resource) -> Document:
    access = resource.access
    name = resource.name
    filterable = [field.name for field in shown_fields(resource) if field.name not in RESERVED]
    filters = [_parameter(f"rowFilter.{name}.{column}") for column in filterable]
    body = _parameter(f"body.{name}")
    item: Document = {}
    if not is_never(access.read):
        shared = ("select", "order", "range", "rangeUnit", "offset", "limit", "preferCount")
        item["get"] = _operation(
            name, [*filters, *map(_parameter, shared)], {"200": _rows(name), "206": _done("Partial")}
        )
    if not is_never(access.create) and writable_fields(resource):
        parameters = [body, *map(_parameter, ("select", "on_conflict", "preferReturn"))]
        item["post"] = _operation(name, parameters, {"201": _done("Created")})
    if not is_never(access.update):
        item["patch"] = _operation(
            name, [*filters, body, _parameter("preferReturn")], {"204": _done("No Content")}
        )
    if not is_never(access.delete):
        item["delete"] = _operation(
            name, [*filters, _parameter("preferReturn")], {"204": _done("No Content")}
        )
    return item


def _operation(table: str, parameters: list[Document], responses: Document) -> Document:
    return {"tags": [table], "parameters": parameters, "responses": responses}


def _parameter(name: str) -> Document:
    return {"$ref": f"#/parameters/{name}"}


def _rows(table: str) -> Document:
    return {"description": "OK", "schema": {"type": "array", "items": {"$ref": f"#/definitions/{table}"}}}


def _done(description: str) -> Document:
    return {"description": description}
