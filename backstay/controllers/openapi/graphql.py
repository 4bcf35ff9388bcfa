"""The GraphQL address in the OpenAPI document: how requests are sent. What can be asked is said by the schema itself."""

from __future__ import annotations

from typing import Any

from backstay.controllers.openapi.paths import ANYWHERE, problem_responses

_MEDIA_TYPES = ("application/graphql-response+json", "application/json")
_REQUEST: dict[str, Any] = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "description": "The document; not needed where its hash is known."},
        "operationName": {"type": ["string", "null"]},
        "variables": {"type": ["object", "null"]},
        "extensions": {"type": ["object", "null"], "description": "`persistedQuery` with a `sha256Hash`."},
    },
}
_PARAMETERS = {
    "query": "The document; not needed where its hash is known.",
    "operationName": "Which of its operations.",
    "variables": "As JSON.",
    "extensions": "As JSON.",
}
_ANSWER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "data": {"type": ["object", "null"]},
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"message": {"type": "string"}, "extensions": {"type": "object"}},
                "required": ["message", "extensions"],
            },
        },
    },
}


def graphql_paths(path: str) -> dict[str, Any]:
    """The path item of the GraphQL door."""
    answer = {"content": {name: {"schema": _ANSWER} for name in _MEDIA_TYPES}}
    responses = problem_responses((*ANYWHERE, 413, 415)) | {
        "200": {"description": "`data`, `errors`, or both.", **answer},
        "400": {"description": "The request, the document or the variables are refused.", **answer},
    }
    shared = {"tags": ["platform"], "responses": responses, "security": [{}, {"bearer": []}, {"apikey": []}]}
    return {
        path: {
            "get": {
                "operationId": "graphql_read",
                "summary": "Queries in GraphQL",
                "parameters": [
                    {"name": name, "in": "query", "description": words, "schema": {"type": "string"}}
                    for name, words in _PARAMETERS.items()
                ],
                **shared,
            },
            "post": {
                "operationId": "graphql",
                "summary": "Queries and mutations in GraphQL",
                "requestBody": {"required": True, "content": {"application/json": {"schema": _REQUEST}}},
                **shared,
            },
        }
    }
