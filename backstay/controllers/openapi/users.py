"""The users' own routers in the document: FastAPI's description of them, with our problems as its errors."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from backstay.controllers.openapi.paths import ANYWHERE, problem_responses

PREFIX = "App"
_METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "options", "trace"})
_WITH_BODY = (409, 413, 415, 422)
# FastAPI's own form of a failed validation, which the error middleware never lets out.
_REPLACED = ("HTTPValidationError", "ValidationError")

# What a hand-written endpoint asks of its caller is its own affair, unless it says so.
_OPTIONAL: list[dict[str, list[str]]] = [{}, {"bearer": []}, {"apikey": []}]


def merge_users(document: dict[str, Any], users_document: Mapping[str, Any]) -> None:
    """Add the users' paths and components to `document`. A path that is there already stays as it is.

    A component whose name is taken is renamed with a prefix, and what refers to it follows.
    """
    users = copy.deepcopy(dict(users_document))
    paths = {path: item for path, item in users.get("paths", {}).items() if path not in document["paths"]}
    components = users.get("components", {})
    for item in paths.values():
        for method, operation in item.items():
            if method in _METHODS:
                operation["responses"] = _responses(operation)
                operation.setdefault("security", _OPTIONAL)
    schemas = components.get("schemas", {})
    for name in _REPLACED:
        if not _is_used(f"#/components/schemas/{name}", paths, components):
            schemas.pop(name, None)
    renamed = _renamed(document["components"], components)
    paths, components = _followed(paths, renamed), _followed(components, renamed)
    document["paths"] |= paths
    for section, entries in components.items():
        known = document["components"].setdefault(section, {})
        for name, entry in entries.items():
            known.setdefault(renamed.get(f"#/components/{section}/{name}", name).rpartition("/")[2], entry)
    document["tags"] += [tag for tag in users.get("tags", ()) if tag not in document["tags"]]


def _responses(operation: Mapping[str, Any]) -> dict[str, Any]:
    """What the operation declares itself, and what the platform answers around it."""
    declared = dict(operation.get("responses", {}))
    if _is_validation_error(declared.get("422")):
        del declared["422"]
    statuses = (*ANYWHERE, *(_WITH_BODY if "requestBody" in operation else (422,)))
    return {**problem_responses(statuses), **declared}


def _is_validation_error(response: Any) -> bool:
    content = response.get("content", {}) if isinstance(response, dict) else {}
    schema = content.get("application/json", {}).get("schema", {})
    return bool(schema.get("$ref") == "#/components/schemas/HTTPValidationError")


def _is_used(address: str, *places: Any) -> bool:
    return any(address in _references(place) for place in places)


def _references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(_references(part) for part in value.values()))
    if isinstance(value, list):
        return set().union(*(_references(part) for part in value))
    return set()


def _renamed(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, str]:
    """New address by old address, of the components whose name is taken."""
    renamed: dict[str, str] = {}
    for section, entries in theirs.items():
        if section == "securitySchemes":
            continue  # Operations name these without an address; one of the same name is the same scheme.
        taken = {*ours.get(section, {}), *entries}
        for name, entry in entries.items():
            if name in ours.get(section, {}) and entry != ours[section][name]:
                new = PREFIX + name
                while new in taken:
                    new += "_"
                taken.add(new)
                renamed[f"#/components/{section}/{name}"] = f"#/components/{section}/{new}"
    return renamed


def _followed(value: Any, renamed: Mapping[str, str]) -> Any:
    """The same value with the addresses of renamed components replaced, wherever they stand."""
    if isinstance(value, dict):
        return {key: _followed(part, renamed) for key, part in value.items()}
    if isinstance(value, list):
        return [_followed(part, renamed) for part in value]
    return renamed.get(value, value) if isinstance(value, str) else value
