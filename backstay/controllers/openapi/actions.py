"""Actions in the document, each under both of its doors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backstay.controllers.openapi.paths import ANYWHERE, REST_ROOT, problem_responses
from backstay.models.resources.actions import Action, Gives, Takes

FUNCTIONS_ROOT = "/functions/v1"
TAG = {"name": "actions", "description": "What the application does beyond rows."}

_STATUSES = (401, 403, 404, 409, 422)
_WITH_BODY = (413, 415)
_REQUEST_ID = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
_MEDIA = {Gives.FILE: "*/*", Gives.STREAM: "text/plain", Gives.EVENTS: "text/event-stream"}


def add_actions(document: dict[str, Any], actions: Sequence[Action]) -> None:
    """Add every action to `document`: paths, and the schemas that they name."""
    schemas = document["components"]["schemas"]
    for action in actions:
        names = {
            f"#/$defs/{name}": f"#/components/schemas/{action.name}.{name}"
            for name in action.function.definitions
        }
        for name, schema in action.function.definitions.items():
            schemas[f"{action.name}.{name}"] = _followed(schema, names, schemas)
        method = action.method.lower()
        function = {method: _operation(action, "function", method, names, schemas)}
        document["paths"][f"{FUNCTIONS_ROOT}/{action.name}"] = function
        called = {"post": _operation(action, "rpc", "post", names, schemas)}
        if action.only_reads:
            called["get"] = _operation(action, "rpc", "get", names, schemas)
        document["paths"][f"{REST_ROOT}/rpc/{action.name}"] = called
    if actions:
        document["tags"].append(TAG)


def _operation(
    action: Action, door: str, method: str, names: Mapping[str, str], schemas: Mapping[str, Any]
) -> dict[str, Any]:
    described = action.function.description
    statuses = {*ANYWHERE, *_STATUSES, *(() if method == "get" else _WITH_BODY)}
    operation: dict[str, Any] = {
        "operationId": f"{door}_{method}_{action.name.replace('.', '_')}",
        "tags": [TAG["name"]],
        "summary": described.partition("\n")[0] or action.name,
        "description": f"{described}\n\nFor: {action.words}.".strip(),
        "responses": {**_answer(action, names, schemas), **problem_responses(sorted(statuses))},
        "security": [{}, {"bearer": []}, {"apikey": []}]
        if action.is_public
        else [{"bearer": []}, {"apikey": []}],
    }
    arguments = {
        each.name: {"type": "string", "contentMediaType": "application/octet-stream"}
        if each.takes is Takes.UPLOAD
        else _followed(each.schema, names, schemas)
        for each in action.parameters
    }
    required = [each.name for each in action.parameters if each.required]
    if method == "get":
        operation["parameters"] = [
            {"in": "query", "name": name, "required": name in required, "schema": schema}
            for name, schema in arguments.items()
        ]
    elif arguments:
        body = {
            "type": "object",
            "properties": arguments,
            "required": required,
            "additionalProperties": False,
        }
        with_files = any(each.takes is Takes.UPLOAD for each in action.parameters)
        media_type = "multipart/form-data" if with_files else "application/json"
        operation["requestBody"] = {"required": bool(required), "content": {media_type: {"schema": body}}}
    return operation


def _answer(action: Action, names: Mapping[str, str], schemas: Mapping[str, Any]) -> dict[str, Any]:
    if action.gives is Gives.NOTHING:
        return {"204": {"description": "Done.", "headers": _REQUEST_ID}}
    schema = _followed(action.function.returns or {}, names, schemas)
    if action.gives is Gives.ROW:
        schema = {"anyOf": [schema, {"type": "null"}]}
    media_type = _MEDIA.get(action.gives, "application/json")
    content = {media_type: {"schema": schema}}
    return {"200": {"description": "What it came to.", "headers": _REQUEST_ID, "content": content}}


def _followed(value: Any, names: Mapping[str, str], schemas: Mapping[str, Any]) -> Any:
    """The schema with its addresses as the document has them. Rows of a table that it leaves out are any objects."""
    if isinstance(value, Mapping):
        address = value.get("$ref")
        if isinstance(address, str) and address.endswith(".Row") and address not in names:
            return dict(value) if address.rpartition("/")[2] in schemas else {"type": "object"}
        return {key: _followed(part, names, schemas) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_followed(part, names, schemas) for part in value]
    return names.get(value, value) if isinstance(value, str) else value
