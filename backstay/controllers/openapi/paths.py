"""Operations of the generated API: which there are for a table, what they take, and every answer they can give."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from backstay.controllers.openapi.audience import collection_methods, is_public, item_methods
from backstay.controllers.openapi.parameters import (
    SHARED_PARAMETERS,
    component_parameters,
    conflict_targets,
    required_filter,
    row_filters,
    shared,
)
from backstay.controllers.openapi.schemas import Schema, example_row, reference
from backstay.controllers.resources.media import QUESTION_TYPE
from backstay.models.access.rules import Rule
from backstay.models.catalog import Resource

Operation = dict[str, Any]

REST_ROOT = "/rest/v1"

SINGULAR = "application/vnd.pgrst.object+json"
_CSV: dict[str, Any] = {"text/csv": {"schema": {"type": "string"}}}
# The same rows as texts: a header line and a line for each, or the fields of one.
_TEXTUAL: dict[str, Any] = {"text/csv": {}, "application/x-www-form-urlencoded": {}}
PROBLEM_TYPES = ("application/problem+json", "application/json")

PROBLEMS: dict[int, str] = {
    300: "More than one relationship fits an embed; `details` lists them.",
    400: "The request is malformed, names what does not exist, or holds values that are not valid.",
    401: "The credentials are missing or not valid.",
    403: "The caller may not do that.",
    404: "There is nothing at this address for this caller.",
    405: "The method is not allowed here; `Allow` lists those that are.",
    406: "None of the accepted media types fits the answer.",
    408: "The request took too long to arrive.",
    409: "The write conflicts with a unique or foreign key.",
    412: "The row is no longer what `If-Match` or `If-None-Match` says.",
    413: "The body is larger than this server accepts.",
    414: "The address is longer than this server accepts.",
    415: "The body's media type or encoding is not supported.",
    416: "The range lies outside of the rows.",
    422: "One or more values are not valid; `details` has an entry for each.",
    428: "The write needs an `If-Match` header.",
    429: "Too many requests; try again after `Retry-After` seconds.",
    431: "The headers are larger than this server accepts.",
    500: "Something went wrong on the server's side; the log knows the request id.",
    503: "The server or its database is busy or away; try again shortly.",
    504: "The answer took too long.",
}
# What any request can be answered, before its operation is known.
ANYWHERE = (400, 401, 403, 404, 405, 406, 408, 414, 429, 431, 500, 503, 504)
READING = (300, 416)
WRITING = (300, 409, 413, 415)
ITEM = (300, 422)
ITEM_WRITING = (300, 409, 412, 413, 415, 422, 428)

IF_MATCH = (
    " Send the row's ETag as `If-Match` to write only if nobody else has since then (412 otherwise;"
    " 428 where the server insists on it)."
)

SHAPED = (
    " Every column filters as it does for GET, and at least one filter is needed."
    " `select=` shapes the rows of `return=representation`."
)
WINDOW = " A `Range: 0-9` header (with `Range-Unit: items`) does what `limit` and `offset` do."

CURSORS = (
    " With `Prefer: cursor`, or `$after=` in the address, a full page has a `Link` to the next one, which begins after"
    " its last row whatever was written since."
)
_LISTED = {"Content-Range", "Content-Location", "Link", "Preference-Applied"}


def problem_responses(statuses: Iterable[int], *, body: bool = True) -> dict[str, Any]:
    """References to the component responses of these statuses; to those without a body for HEAD."""
    suffix = "" if body else "Head"
    return {
        str(status): {"$ref": f"#/components/responses/Problem{status}{suffix}"}
        for status in sorted(set(statuses))
    }


def resource_paths(resource: Resource) -> dict[str, Any]:
    """The path items of one table, without the methods that no caller may use."""
    root = f"{REST_ROOT}/{quote(resource.name, safe='')}"
    readable = "get" in collection_methods(resource)
    paths = {
        root: _collection(resource),
        f"{root}/query": {"post": _query(resource)} if readable else {},
        f"{root}/{{id}}": _item(resource),
    }
    return {path: item for path, item in paths.items() if item}


def _collection(resource: Resource) -> dict[str, Operation]:
    describe = {
        "get": _list,
        "head": lambda resource: _head(_list(resource), f"head_{resource.name}"),
        "post": _insert,
        "patch": _update,
        "delete": _delete,
    }
    return {method: describe[method](resource) for method in collection_methods(resource)}


def _item(resource: Resource) -> dict[str, Operation]:
    describe = {
        "get": _get_one,
        "head": lambda resource: _head(_get_one(resource), f"head_one_{resource.name}"),
        "patch": _update_one,
        "put": _put_one,
        "delete": _delete_one,
    }
    return {method: describe[method](resource) for method in item_methods(resource)}


def _operation(
    resource: Resource,
    verb: str,
    summary: str,
    rules: Sequence[Rule],
    parameters: list[dict[str, Any]],
    responses: dict[str, Any],
    *,
    description: str = "",
    body: Schema | None = None,
) -> Operation:
    operation: Operation = {
        "operationId": f"{verb}_{resource.name}",
        "tags": [resource.name],
        "summary": summary,
        "parameters": parameters,
        "responses": responses,
        "security": security(rules),
    }
    if description:
        operation["description"] = description
    if body is not None:
        content = {"application/json": {"schema": body}, **_TEXTUAL}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def security(rules: Sequence[Rule]) -> list[dict[str, list[str]]]:
    """A token or an API key; neither is needed where every rule may hold for somebody who has not signed in."""
    optional: list[dict[str, list[str]]] = [{}] if all(is_public(rule) for rule in rules) else []
    return [*optional, {"bearer": []}, {"apikey": []}]


def _list(resource: Resource) -> Operation:
    answer = _answer("The rows.", _rows(resource), {*_LISTED, "ETag"})
    partial = _answer("Some of the rows.", _rows(resource), {*_LISTED, "ETag"})
    names = ("limit", "offset", "preferRead", "ifNoneMatch")
    return _operation(
        resource,
        "list",
        f"List rows of {resource.name}",
        [resource.access.read],
        [
            shared(f"{resource.name}.select"),
            shared(f"{resource.name}.order"),
            *map(shared, names),
            *row_filters(resource),
        ],
        {
            "200": answer,
            "206": partial,
            "304": _empty("Not changed since.", {"ETag"}),
            **problem_responses((*ANYWHERE, *READING)),
        },
        description=resource.description + WINDOW + CURSORS,
    )


def _query(resource: Resource) -> Operation:
    """A question that is too long for an address; `QUERY` at the table, which OpenAPI 3.1 has no word for, does it too."""
    name = resource.name
    operation = _operation(
        resource,
        "query",
        f"List rows of {name}, asked in the body",
        [resource.access.read],
        [shared("preferRead")],
        {
            "200": _answer("The rows.", _rows(resource), _LISTED),
            "206": _answer("Some of the rows.", _rows(resource), _LISTED),
            **problem_responses((*ANYWHERE, *READING, 413, 415)),
        },
        description="The body is the query string that GET takes, filters included. `QUERY` at the table's own address"
        " takes the same body.",
    )
    parameters = {**component_parameters(resource), **SHARED_PARAMETERS}
    properties = {
        "select": parameters[f"{name}.select"]["schema"],
        "order": parameters[f"{name}.order"]["schema"],
        "limit": parameters["limit"]["schema"],
        "offset": parameters["offset"]["schema"],
    }
    content = {QUESTION_TYPE: {"schema": {"type": "object", "properties": properties}}}
    return {**operation, "requestBody": {"required": True, "content": content}}


def _insert(resource: Resource) -> Operation:
    name = resource.name
    headers = {"Location", "Content-Range", "Preference-Applied"}
    created = _answer("Created. The rows with `return=representation`.", _written(resource), headers)
    merged = _answer("All rows existed and were merged.", _written(resource), headers)
    return _operation(
        resource,
        "insert",
        f"Insert rows of {name}",
        [resource.access.create],
        [shared("preferInsert")],
        {"200": merged, "201": created, **problem_responses((*ANYWHERE, *WRITING))},
        description="One row, or several at once: all or none are written. `columns=a,b` ignores other keys,"
        " `select=` shapes the rows of `return=representation`. With `Prefer: resolution=…`, `on_conflict=` says by"
        f" which columns a row is known to exist: {' or '.join(f'`{columns}`' for columns in conflict_targets(resource))}.",
        body={"anyOf": [reference(f"{name}.Insert"), reference(f"{name}.InsertMany")]},
    )


def _update(resource: Resource) -> Operation:
    return _operation(
        resource,
        "update",
        f"Update rows of {resource.name}",
        [resource.access.update],
        [*required_filter(resource), shared("preferWrite")],
        {**_changed(resource), **problem_responses((*ANYWHERE, *WRITING))},
        description="Changes every row that fits the filters and that the caller may change." + SHAPED,
        body=reference(f"{resource.name}.Update"),
    )


def _delete(resource: Resource) -> Operation:
    return _operation(
        resource,
        "delete",
        f"Delete rows of {resource.name}",
        [resource.access.delete],
        [*required_filter(resource), shared("preferWrite")],
        {**_changed(resource), **problem_responses((*ANYWHERE, *WRITING))},
        description="Deletes every row that fits the filters and that the caller may delete." + SHAPED,
    )


def _get_one(resource: Resource) -> Operation:
    return _operation(
        resource,
        "get_one",
        f"Get one row of {resource.name}",
        [resource.access.read],
        [shared(f"{resource.name}.id"), shared(f"{resource.name}.select"), shared("ifNoneMatch")],
        {
            "200": _answer(
                "The row.",
                {**_one(resource), SINGULAR: {"schema": reference(f"{resource.name}.Row")}, **_CSV},
                {"ETag"},
            ),
            "304": _empty("Not changed since."),
            **problem_responses((*ANYWHERE, *ITEM)),
        },
        description=resource.description,
    )


def _update_one(resource: Resource) -> Operation:
    return _operation(
        resource,
        "update_one",
        f"Update one row of {resource.name}",
        [resource.access.update],
        _item_write(resource),
        {
            "200": _answer("The row as it is now.", _one(resource), {"ETag", "Preference-Applied"}),
            "204": _empty("Changed."),
            **problem_responses((*ANYWHERE, *ITEM_WRITING)),
        },
        description="Changes the columns that the body names." + IF_MATCH,
        body=reference(f"{resource.name}.Update"),
    )


def _put_one(resource: Resource) -> Operation:
    headers = {"ETag", "Location", "Preference-Applied"}
    return _operation(
        resource,
        "put_one",
        f"Put one row of {resource.name}",
        [resource.access.update, resource.access.create],
        _item_write(resource),
        {
            "200": _answer("Replaced; the row as it is now.", _one(resource), headers),
            "201": _answer("Created; the row as it is now.", _one(resource), headers),
            "204": _empty("Replaced."),
            **problem_responses((*ANYWHERE, *ITEM_WRITING)),
        },
        description="Replaces the row, or creates it; the key stands in the address." + IF_MATCH,
        body=reference(f"{resource.name}.Replace"),
    )


def _delete_one(resource: Resource) -> Operation:
    return _operation(
        resource,
        "delete_one",
        f"Delete one row of {resource.name}",
        [resource.access.delete],
        _item_write(resource),
        {
            "200": _answer("Deleted; the row as it was.", _one(resource), {"Preference-Applied"}),
            "204": _empty("Deleted."),
            **problem_responses((*ANYWHERE, *ITEM_WRITING)),
        },
        description="Deletes the row." + IF_MATCH,
    )


def _item_write(resource: Resource) -> list[dict[str, Any]]:
    return [shared(f"{resource.name}.id"), shared(f"{resource.name}.select"), shared("preferWrite")]


def _head(operation: Operation, operation_id: str) -> Operation:
    """The same operation without bodies in its answers."""
    responses: dict[str, Any] = {}
    for status, response in operation["responses"].items():
        if "$ref" in response:
            responses |= problem_responses([int(status)], body=False)
        else:
            responses[status] = {word: part for word, part in response.items() if word != "content"}
    summary = f"{operation['summary']}, headers only"
    return {**operation, "operationId": operation_id, "summary": summary, "responses": responses}


def _rows(resource: Resource) -> dict[str, Any]:
    row = reference(f"{resource.name}.Row")
    return {
        "application/json": {"schema": {"type": "array", "items": row}, "example": [example_row(resource)]},
        SINGULAR: {"schema": row},
        **_CSV,
    }


def _written(resource: Resource) -> dict[str, Any]:
    """What an insert answers; `text/plain` is the empty body of `return=minimal`."""
    return {**_rows(resource), "text/plain": {"schema": {"type": "string", "maxLength": 0}}}


def _changed(resource: Resource) -> dict[str, Any]:
    return {
        "200": _answer(
            "The rows, with `return=representation`.",
            _rows(resource),
            {"Content-Range", "Preference-Applied"},
        ),
        "204": _empty("Done.", {"Content-Range", "Preference-Applied"}),
    }


def _one(resource: Resource) -> dict[str, Any]:
    row = reference(f"{resource.name}.Row")
    return {"application/json": {"schema": row, "example": example_row(resource)}}


def _answer(description: str, content: dict[str, Any], headers: set[str]) -> dict[str, Any]:
    return {**_empty(description, headers), "content": content}


def _empty(description: str, headers: Iterable[str] = ()) -> dict[str, Any]:
    named = sorted({*headers, "X-Request-Id"})
    return {
        "description": description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in named},
    }
