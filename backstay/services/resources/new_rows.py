"""New rows of a write: values as the caller gave them, completed with what the application fills in.

In charge of defaults and of what must have a value and has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from backstay.errors import BackstayError, FieldProblem
from backstay.models.access.caller import Caller
from backstay.models.catalog import Field, Resource
from backstay.models.defaults import Default, insert_default, update_default
from backstay.models.resources.plan import WritePlan
from backstay.models.resources.request import Rows
from backstay.services.resources.rows import read_rows


class Defaults:
    """What the application fills in for one table."""

    def __init__(self, resource: Resource) -> None:
        self.on_insert = _made(resource, insert_default)
        self.on_update = _made(resource, update_default)


def _made(resource: Resource, default: Callable[[Any], Default | None]) -> list[tuple[Field, Default]]:
    found = ((field, default(field.column)) for field in resource.fields.values())
    return [(field, make) for field, make in found if make is not None]


class NewRows:
    """The rows of one insert or upsert, by number, each with a value for every column it sets, in one order.

    Raises:
        BackstayError: `validation_failed` with one entry per bad value.
    """

    def __init__(self, plan: WritePlan, rows: Rows, defaults: Defaults, caller: Caller) -> None:
        self._resource = plan.resource
        self._given = [field.name for field in plan.fields]
        self._conflict = {field.name for field in plan.on_conflict}
        self._single = rows.single
        self._defaults = defaults
        self._caller = caller
        read = read_rows(plan.resource, plan.fields, rows.items, single=rows.single, textual=rows.textual)
        if not rows.missing_default:
            for row in read:
                for name in self._given:
                    row.setdefault(name, None)
        self._complete = [self._filled(row) for row in read]

    def __len__(self) -> int:
        return len(self._complete)

    def complete(self, number: int) -> dict[str, Any]:
        """The row as it will be inserted."""
        return self._complete[number]

    def changes(self, number: int) -> dict[str, Any]:
        """What an upsert sets in the row that it meets: a default that nobody asked for is for new rows."""
        row = self._complete[number]
        return {name: row[name] for name in self._given if name in row and name not in self._conflict}

    def take(self, number: int, row: dict[str, Any]) -> None:
        """Put a row in place of another; defaults are filled in where it has nothing."""
        self._complete[number] = self._filled(row)

    def path(self, number: int) -> str:
        """What stands before the names of the row's columns in problems."""
        return "" if self._single else f"{number}."

    def refuse_missing(self, numbers: Iterable[int]) -> None:
        """Refuse columns that must have a value and have none. One that is hidden from the caller is not named.

        Raises:
            BackstayError: `validation_failed`, or `23502` when all of them are hidden.
        """
        rules = self._resource.access.fields
        hidden = {name for name, rule in rules.items() if rule.fold(self._caller) is False}
        problems = []
        names_hidden = False
        for number in numbers:
            for field in _missing(self._resource, self._complete[number]):
                if field.name in hidden:
                    names_hidden = True
                    continue
                is_given = field.name in self._given
                code, message = ("null", "must not be null") if is_given else ("required", "is required")
                problems.append(FieldProblem(self.path(number) + field.name, code, message))
        if problems:
            raise BackstayError("validation_failed", details=problems[:100])
        if names_hidden:
            raise BackstayError("23502")

    def all(self) -> Sequence[Mapping[str, Any]]:
        """Every row."""
        return self._complete

    def _filled(self, row: dict[str, Any]) -> dict[str, Any]:
        for field, make in self._defaults.on_insert:
            if field.name not in row:
                row[field.name] = make(self._caller)
        return {name: row[name] for name in self._resource.fields if name in row}


def _missing(resource: Resource, row: Mapping[str, Any]) -> Iterable[Field]:
    for field in resource.fields.values():
        empty = row.get(field.name) is None and not field.nullable
        if empty and (field.name in row or not field.has_default):
            yield field
