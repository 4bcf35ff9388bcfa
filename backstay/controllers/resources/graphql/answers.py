"""Answers and errors in the form of GraphQL (specification, section 7), with the catalogue's code and kind.

In charge of form. A fault of ours is not told here: it goes on to where all faults are logged and answered.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from graphql import GraphQLError

from backstay.errors import CATALOGUE, BackstayError, FieldProblem, Kind

FAULTS = frozenset({Kind.INTERNAL, Kind.UNAVAILABLE, Kind.SLOW})


class RefusedError(Exception):
    """A request that GraphQL itself refuses.

    Attributes:
        entries: its errors as they are answered. They hold no part of the document, which can be forgotten.
    """

    def __init__(self, entries: Sequence[dict[str, Any]]) -> None:
        self.entries = list(entries)
        super().__init__(self.entries[0]["message"])


def refused(code: str, errors: Sequence[GraphQLError]) -> RefusedError:
    """What graphql-core found, each with its place in the document.

    Raises:
        KeyError: when `code` is not in the catalogue.
    """
    extensions = {"code": code, "kind": CATALOGUE[code].kind.value}
    entries = []
    for each in errors:
        entry: dict[str, Any] = {"message": each.message}
        if each.locations:
            entry["locations"] = [{"line": one.line, "column": one.column} for one in each.locations]
        if each.path:
            entry["path"] = list(each.path)
        entries.append(entry | {"extensions": extensions})
    return RefusedError(entries)


def failed(error: BackstayError, path: Sequence[str | int] | None = None, node: Any = None) -> dict[str, Any]:
    """An error of the catalogue; where it belongs to a field, with the field's path and place."""
    entry: dict[str, Any] = {"message": error.message}
    if node is not None and node.loc is not None:
        place = node.loc.source.get_location(node.loc.start)
        entry["locations"] = [{"line": place.line, "column": place.column}]
    if path is not None:
        entry["path"] = list(path)
    extensions: dict[str, Any] = {"code": error.code, "kind": error.kind.value}
    if error.details is not None:
        extensions["details"] = (
            error.details
            if isinstance(error.details, str)
            else [asdict(one) if isinstance(one, FieldProblem) else dict(one) for one in error.details]
        )
    if error.hint is not None:
        extensions["hint"] = error.hint
    return entry | {"extensions": extensions}


def decoded(body: bytes) -> Any:
    """A document of the database, or of an action, with exact numbers."""
    return json.loads(body, parse_float=Decimal)


def written(answer: Any) -> bytes:
    """An answer as JSON."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
