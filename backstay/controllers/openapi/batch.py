"""The batch in the document: its body, its answer, and what it says of a failure."""

from __future__ import annotations

from typing import Any

from backstay.controllers.openapi.paths import ANYWHERE, REST_ROOT, WRITING, problem_responses
from backstay.controllers.openapi.schemas import Schema, reference

_METHODS = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"]
_HEADERS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}

BATCH_SCHEMAS: dict[str, Schema] = {
    "Batch": {
        "type": "object",
        "required": ["operations"],
        "additionalProperties": False,
        "properties": {
            "operations": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["method", "path"],
                    "additionalProperties": False,
                    "properties": {
                        "method": {"type": "string", "enum": _METHODS},
                        "path": {
                            "type": "string",
                            "description": f"As in an address, with its query string; whole or relative to {REST_ROOT}/.",
                        },
                        "headers": _HEADERS,
                        "body": {"description": "JSON; the text of a body that is not."},
                    },
                },
            }
        },
    },
    "BatchResults": {
        "type": "object",
        "required": ["results"],
        "properties": {
            "results": {
                "type": "array",
                "description": "One for each operation, in their order.",
                "items": {
                    "type": "object",
                    "required": ["status", "headers", "body"],
                    "properties": {
                        "status": {"type": "integer"},
                        "headers": _HEADERS,
                        "body": {"description": "JSON; the text of a body that is not; null for none."},
                    },
                },
            }
        },
    },
}


def batch_paths() -> dict[str, Any]:
    """The path item of the batch."""
    operation: dict[str, Any] = {
        "operationId": "batch",
        "tags": ["platform"],
        "summary": "Do many operations in one transaction",
        "description": "All of them are kept or none. Each is what its method and path are alone, for the same caller,"
        " and sees what those before it did. When one fails, the answer is its problem document with its `index`.",
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": reference("Batch"),
                    "example": {"operations": [{"method": "GET", "path": "example?limit=1"}]},
                }
            },
        },
        "responses": {
            "200": {
                "description": "All operations were done.",
                "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
                "content": {"application/json": {"schema": reference("BatchResults")}},
            },
            **problem_responses((*ANYWHERE, *WRITING, 412, 416, 422, 428)),
        },
        "security": [{}, {"bearer": []}, {"apikey": []}],
    }
    return {f"{REST_ROOT}/$batch": {"post": operation}}
