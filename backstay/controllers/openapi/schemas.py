"""JSON Schemas (draft 2020-12) of what the API takes and gives: columns, rows, bodies and problems.

The limits are those that validation applies, so that a value that fits its schema is not refused for its form.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from backstay.controllers.openapi.audience import is_masked, shown_fields, writable_fields
from backstay.controllers.openapi.examples import example
from backstay.controllers.openapi.literals import literal
from backstay.errors import CATALOGUE
from backstay.models.bounds import Keywords, check_keywords
from backstay.models.catalog import Field, Resource, ValueKind

Schema = dict[str, Any]

MAX_DOUBLE = 1.7976931348623157e308
MAX_REAL = 3.4028234663852886e38
WITHOUT_NUL = r"^[^\x00]*$"
# What `rows.py` lets into text: no controls but tab and line ends, no direction overrides.
PLAIN_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\u202d\u202e]*$"


def reference(name: str) -> Schema:
    """A reference to a component schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def row_schemas(resource: Resource) -> dict[str, Schema]:
    """The component schemas of one table, by component name.

    `Row` is what is read, `Insert` one new row, `InsertMany` several, `Update` a change, `Replace` the body of a PUT
    to one row, whose key stands in the address.
    """
    name = resource.name
    writable = writable_fields(resource)
    required = [field.name for field in writable if not field.nullable and not field.has_default]
    key = {field.name for field in resource.primary_key}
    beside_key = [field for field in writable if field.name not in key]
    return {
        f"{name}.Row": _row(resource),
        f"{name}.Insert": _body(resource, writable, required),
        f"{name}.InsertMany": _many(resource, writable, required),
        f"{name}.Update": _body(resource, writable, []),
        f"{name}.Replace": _body(resource, beside_key, [column for column in required if column not in key]),
    }


def example_row(resource: Resource) -> dict[str, Any]:
    """A row of the table, with what is shown of it unless more is selected."""
    checks = check_keywords(resource)
    stored = [field for field in shown_fields(resource) if field.expression is None]
    return {field.name: example(field, checks.get(field.name, {})) for field in stored}


def field_schema(field: Field, keywords: Keywords, *, nullable: bool) -> Schema:
    """The schema of one column's values.

    Args:
        keywords: what its check constraints ask (`bounds.check_keywords`).
    """
    schema: Schema = _KINDS[field.kind](field)
    for word, limit in keywords.items():
        schema[word] = _tighter(word, schema.get(word), limit)
    if "enum" in schema:
        schema.pop("pattern", None)
    if nullable and "type" in schema:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    elif nullable:
        schema = reference("Json")
    return schema


def _tighter(word: str, known: Any, limit: Any) -> Any:
    if known is None:
        return limit
    if word == "enum":
        return [choice for choice in known if choice in limit]
    return max(known, limit) if word in ("minimum", "exclusiveMinimum", "minLength") else min(known, limit)


def _row(resource: Resource) -> Schema:
    checks = check_keywords(resource)
    properties: dict[str, Schema] = {}
    for field in shown_fields(resource):
        masked = is_masked(resource, field)
        # Rows older than a check may not hold to it, and the patterns say what may be sent.
        schema = field_schema(field, {}, nullable=field.nullable or masked)
        for word in ("pattern", "multipleOf"):
            schema.pop(word, None)
        notes = _notes(resource, field)
        if field.generated:
            schema["readOnly"] = True
        if masked:
            notes.append("Hidden from callers, and null in rows, for which its access rule does not hold.")
        if notes:
            schema["description"] = " ".join(notes)
        schema["examples"] = [example(field, checks.get(field.name, {}))]
        properties[field.name] = schema
    described = {"description": resource.description} if resource.description else {}
    return {"type": "object", **described, "properties": properties, "examples": [example_row(resource)]}


def _notes(resource: Resource, field: Field) -> list[str]:
    notes = ["Part of the primary key."] if field in resource.primary_key else []
    if field in resource.primary_key and len(resource.primary_key) == 1:
        notes = ["Primary key."]
    if field.expression is not None:
        notes.append("Computed; shown when it is selected.")
    for target, column in targets(resource, field):
        notes.append(f"References `{target}.{column}`.")
    return notes


def targets(resource: Resource, field: Field) -> list[tuple[str, str]]:
    """Table and column that a foreign key column refers to, as far as the description may name them."""
    return [
        (relation.target.name, far.name)
        for relation in resource.relations
        if relation.key_on_source and relation.target.access.declared
        for near, far in relation.pairs
        if near is field and far in shown_fields(relation.target)
    ]


def _body(resource: Resource, fields: list[Field], required: list[str]) -> Schema:
    checks = check_keywords(resource)
    properties: dict[str, Schema] = {}
    for field in fields:
        keywords = checks.get(field.name, {})
        describe = _sent_decimal if field.kind is ValueKind.DECIMAL else field_schema
        schema = describe(field, keywords, nullable=field.nullable)
        schema["examples"] = [example(field, keywords)]
        properties[field.name] = schema
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = required
    return {**schema, "examples": [{name: properties[name]["examples"][0] for name in properties}]}


def _many(resource: Resource, writable: list[Field], required: list[str]) -> Schema:
    """Several rows, all of which must have the same keys: the two sets of keys that any schema can spell out."""
    names = [field.name for field in writable]
    insert = reference(f"{resource.name}.Insert")
    forms: list[Schema] = [{"type": "array", "items": insert, "maxItems": 1}]
    if required != names:
        least = _body(resource, [field for field in writable if field.name in required], required)
        del least["examples"]
        forms.append({"type": "array", "items": least})
    forms.append({"type": "array", "items": {**insert, "required": names}})
    return {"description": "Rows that all have the same keys.", "anyOf": forms}


def _text(field: Field) -> Schema:
    bound = {"maxLength": field.length} if field.length is not None else {}
    return {"type": "string", "pattern": PLAIN_TEXT, **bound}


def _integer(field: Field) -> Schema:
    highest = (1 << field.bits - 1) - 1
    format_ = {"format": f"int{field.bits}"} if field.bits > 16 else {}
    return {"type": "integer", **format_, "minimum": -highest - 1, "maximum": highest}


def _float(field: Field) -> Schema:
    single = field.sql_type == "real"
    highest = MAX_REAL if single else MAX_DOUBLE
    return {
        "type": "number",
        "format": "float" if single else "double",
        "minimum": -highest,
        "maximum": highest,
    }


def _decimal(field: Field) -> Schema:
    if field.precision is None:
        return {"type": "number", "minimum": -MAX_DOUBLE, "maximum": MAX_DOUBLE}
    highest: int | float = 10**field.precision - 1
    if not field.scale:
        return {"type": "number", "multipleOf": 1, "minimum": -highest, "maximum": highest}
    highest = float(Decimal(highest).scaleb(-field.scale))
    step = float(Decimal(1).scaleb(-field.scale))
    return {"type": "number", "multipleOf": step, "minimum": -highest, "maximum": highest}


def _sent_decimal(field: Field, keywords: Keywords, *, nullable: bool) -> Schema:
    """A number, or the same in a string, for clients whose numbers are binary."""
    number = field_schema(field, keywords, nullable=False)
    forms: list[Schema] = [number]
    if not keywords:
        scale = 15 if field.scale is None else field.scale
        whole = 15 if field.precision is None else max(field.precision - scale, 0)
        digits = f"[0-9]{{1,{whole}}}" if whole else "0"
        point = rf"(?:\.[0-9]{{1,{scale}}})?" if scale else ""
        forms.append({"type": "string", "pattern": f"^-?{digits}{point}$"})
    return {"anyOf": [*forms, *([{"type": "null"}] if nullable else [])]}


def _patterned(format_: str) -> Any:
    return lambda field: {"type": "string", "format": format_, "pattern": f"^{literal(field)}$"}


def _bytes(field: Field) -> Schema:
    bound = {"maxLength": 2 + 2 * field.length} if field.length is not None else {}
    return {"type": "string", "pattern": f"^{literal(field)}$", **bound}


def _array(field: Field) -> Schema:
    assert field.item is not None
    return {"type": "array", "items": field_schema(field.item, {}, nullable=True)}


_KINDS: dict[ValueKind, Any] = {
    ValueKind.TEXT: _text,
    ValueKind.INTEGER: _integer,
    ValueKind.FLOAT: _float,
    ValueKind.DECIMAL: _decimal,
    ValueKind.BOOLEAN: lambda field: {"type": "boolean"},
    ValueKind.UUID: lambda field: {"type": "string", "format": "uuid"},
    ValueKind.TIMESTAMP: lambda field: {"type": "string", "format": "date-time"},
    ValueKind.DATETIME: _patterned("date-time-local"),
    ValueKind.DATE: lambda field: {"type": "string", "format": "date"},
    ValueKind.TIME: _patterned("time-local"),
    ValueKind.BYTES: _bytes,
    ValueKind.ENUM: lambda field: {"type": "string", "enum": list(field.choices)},
    ValueKind.JSON: lambda field: reference("JsonValue"),
    ValueKind.ARRAY: _array,
    ValueKind.RANGE: lambda field: {"type": "string", "pattern": r"^(?:empty|[\[(][^\x00]*,[^\x00]*[\])])$"},
}

_PROBLEM_MEMBERS: Schema = {
    "type": {"type": "string", "description": "Identifies the kind of problem (RFC 9457, section 3.1.1)."},
    "title": {"type": "string", "description": "The kind of problem in words."},
    "status": {"type": "integer", "minimum": 300, "maximum": 599, "description": "The HTTP status."},
    "detail": {"type": ["string", "null"], "description": "What went wrong this time."},
    "instance": {"type": ["string", "null"], "description": "This occurrence."},
    "code": {
        "type": "string",
        "description": "Stable code of the error.",
        "examples": sorted(CATALOGUE)[-3:],
    },
    "message": {"type": "string", "description": "What went wrong, for people."},
    "details": {
        "description": "More about it: words, or one entry for each value that is wrong.",
        "anyOf": [
            {"type": "null"},
            {"type": "string"},
            {
                "type": "array",
                "items": {"anyOf": [{"$ref": "#/components/schemas/FieldProblem"}, {"type": "object"}]},
            },
        ],
    },
    "hint": {"type": ["string", "null"], "description": "What may help."},
    "request_id": {"type": "string", "description": "Names the request in the server's log."},
}

SHARED_SCHEMAS: dict[str, Schema] = {
    "Problem": {
        "type": "object",
        "description": "An error, as RFC 9457 and the PostgREST protocol have it.",
        "properties": _PROBLEM_MEMBERS,
        "required": sorted(_PROBLEM_MEMBERS),
    },
    "FieldProblem": {
        "type": "object",
        "description": "What is wrong with one value.",
        "properties": {
            "path": {"type": "string", "description": "Where it stands in the body."},
            "code": {"type": "string", "description": "Stable code."},
            "message": {"type": "string", "description": "What is wrong, for people."},
        },
        "required": ["path", "code", "message"],
    },
    "Json": {"description": "Any JSON value.", "anyOf": [{"type": "null"}, reference("JsonValue")]},
    "JsonValue": {
        "description": "Any JSON value but null.",
        "anyOf": [
            {"type": "boolean"},
            {"type": "number"},
            {"type": "string", "pattern": WITHOUT_NUL},
            {"type": "array", "items": reference("Json")},
            {
                "type": "object",
                "propertyNames": {"type": "string", "pattern": WITHOUT_NUL},
                "additionalProperties": reference("Json"),
            },
        ],
    },
}
