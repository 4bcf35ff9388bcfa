"""The platform's own endpoints in the document, from the same table that serves them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from backstay.controllers.endpoints import Endpoint
from backstay.controllers.openapi.paths import ANYWHERE, problem_responses
from backstay.controllers.openapi.schemas import reference

TAG = {
    "name": "identity",
    "description": "Who is calling: sign-up, sign-in, sessions, factors, administration.",
}

_NAMES = re.compile(r"\{(\w+)\}")
_WITH_BODY = (409, 413, 415, 422)
_REFUSALS = (401, 403, 404, 422, 429)
_REQUEST_ID = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}


def add_endpoints(document: dict[str, Any], table: Sequence[Endpoint]) -> None:
    """Add every line of the table to `document`: paths, and the schemas of bodies."""
    schemas = document["components"]["schemas"]
    for endpoint in table:
        item = document["paths"].setdefault(endpoint.path, {})
        item[endpoint.method.lower()] = _operation(endpoint, schemas)
    if table:
        document["tags"].append(TAG)


def _operation(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    words = re.sub(r"[^0-9A-Za-z]+", "_", endpoint.path).strip("_")
    statuses = {*ANYWHERE, *_REFUSALS, *(_WITH_BODY if endpoint.body else ())}
    operation: dict[str, Any] = {
        "operationId": f"{endpoint.method.lower()}_{words}",
        "tags": [TAG["name"]],
        "summary": endpoint.summary,
        "description": f"For: {endpoint.guard.words}.",
        "responses": {endpoint.answer: _answer(endpoint), **problem_responses(sorted(statuses))},
        "security": [{}, {"apikey": []}] if endpoint.guard.is_public else [{"bearer": []}, {"apikey": []}],
    }
    parameters = [_parameter("path", name) for name in _NAMES.findall(endpoint.path)]
    parameters += [_parameter("query", name) for name in endpoint.query]
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body is not None:
        media_type = "application/x-www-form-urlencoded" if endpoint.form else "application/json"
        operation["requestBody"] = {"content": {media_type: {"schema": _schema(endpoint, schemas)}}}
    return operation


def _answer(endpoint: Endpoint) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": endpoint.summary, "headers": _REQUEST_ID}
    if endpoint.answer in ("200", "201"):
        answer["content"] = {"application/json": {"schema": {"type": "object"}}}
    return answer


def _parameter(place: str, name: str) -> Mapping[str, Any]:
    return {"in": place, "name": name, "required": place == "path", "schema": {"type": "string"}}


def _schema(endpoint: Endpoint, schemas: dict[str, Any]) -> Mapping[str, Any]:
    if endpoint.body is None:
        return {}
    made = endpoint.body.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= made.pop("$defs", {})
    schemas.setdefault(endpoint.body.__name__, made)
    return reference(endpoint.body.__name__)
