"""The rows that a write was sent, taken together: which columns they set, how many they may be, what a change sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backstay.errors import BackstayError
from backstay.models.access.caller import Caller
from backstay.models.resources.plan import WritePlan
from backstay.models.resources.request import Conflict, Rows
from backstay.services.resources.new_rows import Defaults
from backstay.services.resources.rows import read_rows


def columns_of(rows: Rows) -> tuple[str, ...]:
    """The columns that a write sets: those asked for, or every key of the rows, in order of appearance."""
    if rows.columns is not None:
        return tuple(dict.fromkeys(rows.columns))
    return tuple(dict.fromkeys(key for row in rows.items for key in row))


def refuse_many(rows: Rows, most: int) -> None:
    """Refuse more rows than may be written at once.

    Raises:
        BackstayError: `54000`.
    """
    if len(rows.items) > most:
        raise BackstayError("54000", f"at most {most} rows may be written at once")


def refuse_repeated(plan: WritePlan, rows: Sequence[Mapping[str, Any]]) -> None:
    """Two rows of one upsert that mean the same row: which should win is not for us to guess.

    Raises:
        BackstayError: `21000`.
    """
    if plan.conflict is not Conflict.MERGE:
        return
    keys = [tuple(row.get(field.name) for field in plan.on_conflict) for row in rows]
    known = [key for key in keys if None not in key]
    if len(set(map(repr, known))) != len(known):
        raise BackstayError("21000", "ON CONFLICT DO UPDATE command cannot affect row a second time")


def refuse_several(rows: Rows) -> None:
    """Refuse anything but one object as what an update sets.

    Raises:
        BackstayError: `PGRST102`.
    """
    if len(rows.items) != 1:
        raise BackstayError("PGRST102", "the body of an update is one object")


def changes_of(plan: WritePlan, rows: Rows, defaults: Defaults, caller: Caller) -> dict[str, Any]:
    """What an update sets, by column: the values it was sent, and what the application fills in.

    Raises:
        BackstayError: `validation_failed` with one entry per bad value.
    """
    row = read_rows(plan.resource, plan.fields, rows.items, single=True, textual=rows.textual)[0]
    for field, make in defaults.on_update:
        row.setdefault(field.name, make(caller))
    return row
