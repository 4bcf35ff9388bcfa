"""The OpenAPI 3.1 document: the generated API, the platform's own endpoints and the users' routers in one.

Built once, when the application starts. It is the same for every caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backstay.controllers.endpoints import Endpoint
from backstay.controllers.openapi.actions import add_actions
from backstay.controllers.openapi.audience import described
from backstay.controllers.openapi.batch import BATCH_SCHEMAS, batch_paths
from backstay.controllers.openapi.endpoints import add_endpoints
from backstay.controllers.openapi.graphql import graphql_paths
from backstay.controllers.openapi.parameters import SHARED_PARAMETERS, component_parameters
from backstay.controllers.openapi.paths import (
    ANYWHERE,
    PROBLEM_TYPES,
    PROBLEMS,
    REST_ROOT,
    problem_responses,
    resource_paths,
)
from backstay.controllers.openapi.schemas import SHARED_SCHEMAS, reference, row_schemas
from backstay.controllers.openapi.users import merge_users
from backstay.models.catalog import Catalog
from backstay.models.resources.actions import Action

Document = dict[str, Any]

_HEADERS: dict[str, Any] = {
    "Allow": {"description": "Methods that are allowed here.", "schema": {"type": "string"}},
    "Content-Location": {"description": "The address of exactly this answer.", "schema": {"type": "string"}},
    "Content-Range": {
        "description": "Which rows these are, of how many: `0-9/100`; `*` where that is not known.",
        "schema": {"type": "string", "pattern": r"^(?:[0-9]+-[0-9]+|\*)/(?:[0-9]+|\*)$"},
    },
    "ETag": {
        "description": "Names this state of the answer (RFC 9110, section 8.8.3).",
        "schema": {"type": "string", "pattern": r'^(?:W/)?"[^"]*"$'},
    },
    "Link": {
        "description": 'The next page, as `rel="next"` (RFC 8288), where one was asked for and this one is full.',
        "schema": {"type": "string"},
    },
    "Location": {"description": "The address of the row.", "schema": {"type": "string"}},
    "Preference-Applied": {
        "description": "The preferences that were followed.",
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}},
    "WWW-Authenticate": {"description": "How to authenticate.", "schema": {"type": "string"}},
    "X-Request-Id": {"description": "Names the request in the server's log.", "schema": {"type": "string"}},
}
_STATUS_HEADERS = {401: "WWW-Authenticate", 405: "Allow", 429: "Retry-After", 503: "Retry-After"}

_SECURITY_SCHEMES: dict[str, Any] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A user's access token, or an API key.",
    },
    "apikey": {
        "type": "apiKey",
        "in": "header",
        "name": "apikey",
        "description": "A publishable or a secret API key.",
    },
}

_DESCRIPTION = (
    "Filters are query parameters: a column, an operator, a dot and a value, as in `?name=ilike.a*&id=in.(1,2)`."
    " Conditions are joined by `and=(…)` and `or=(…)`. What a caller may not see is as if it did not exist."
)


def build_document(
    catalog: Catalog,
    *,
    title: str,
    version: str,
    server_url: str,
    users_document: Mapping[str, Any] | None,
    max_rows: int,
    endpoints: Sequence[Endpoint] = (),
    actions: Sequence[Action] = (),
    graphql: str | None = None,
) -> Document:
    """The OpenAPI 3.1 document as a JSON-ready value.

    Args:
        users_document: what FastAPI says of the users' own routers (`FastAPI.openapi()`); None for none.
        max_rows: most rows of one answer, named in the description.
        endpoints: the platform's own, beside the tables.
        actions: the users' own, by name.
        graphql: where the tables are served in GraphQL; None where they are not.
    """
    resources = described(catalog)
    paths: dict[str, Any] = {}
    schemas = SHARED_SCHEMAS | BATCH_SCHEMAS
    parameters = dict(SHARED_PARAMETERS)
    for resource in resources:
        paths |= resource_paths(resource)
        schemas |= row_schemas(resource)
        parameters |= component_parameters(resource)
    document: Document = {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version,
            "description": f"{_DESCRIPTION} One answer has at most {max_rows} rows.",
        },
        "servers": [{"url": server_url}],
        "tags": [
            {"name": resource.name, "description": resource.description or f"Rows of {resource.name}."}
            for resource in resources
        ]
        + [{"name": "platform", "description": "Health, and this description."}],
        "paths": paths
        | batch_paths()
        | _platform_paths()
        | ({} if graphql is None else graphql_paths(graphql)),
        "components": {
            "schemas": schemas,
            "parameters": parameters,
            "headers": dict(_HEADERS),
            "responses": _problems(),
            "securitySchemes": dict(_SECURITY_SCHEMES),
        },
    }
    add_endpoints(document, endpoints)
    add_actions(document, actions)
    if users_document is not None:
        merge_users(document, users_document)
    return document


def _problems() -> dict[str, Any]:
    """One component response for each status, and one without a body for HEAD."""
    problems: dict[str, Any] = {}
    content = {media_type: {"schema": reference("Problem")} for media_type in PROBLEM_TYPES}
    for status, description in PROBLEMS.items():
        names = ["X-Request-Id", *([_STATUS_HEADERS[status]] if status in _STATUS_HEADERS else [])]
        headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        problems[f"Problem{status}Head"] = {"description": description, "headers": headers}
        problems[f"Problem{status}"] = {"description": description, "headers": headers, "content": content}
    return problems


def _platform_paths() -> dict[str, Any]:
    health = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}
    return {
        "/health/live": {"get": _platform("live", "Is the process alive?", {"application/json": health})},
        "/health/ready": {"get": _platform("ready", "Can it take requests?", {"application/json": health})},
        "/openapi.json": {
            "get": _platform(
                "openapi", "This description", {"application/json": {"type": "object"}}, cached=True
            )
        },
        f"{REST_ROOT}/": {
            "get": _platform(
                "swagger",
                "The tables as Swagger 2.0, for PostgREST's clients",
                {name: {"type": "object"} for name in ("application/openapi+json", "application/json")},
                cached=True,
            )
        },
    }


def _platform(
    operation_id: str, summary: str, content: Mapping[str, Any], *, cached: bool = False
) -> Document:
    headers = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
    answer: Document = {"description": summary, "headers": headers}
    answer["content"] = {name: {"schema": schema} for name, schema in content.items()}
    responses: Document = {"200": answer}
    if cached:
        responses["304"] = {"description": "Not changed since.", "headers": headers}
    return {
        "operationId": operation_id,
        "tags": ["platform"],
        "summary": summary,
        "responses": responses | problem_responses(ANYWHERE),
        "security": [{}],
    }
