"""Errors of the database, told without naming what their reader cannot see."""

from __future__ import annotations

from backstay.errors import BackstayError
from backstay.models.access.caller import Caller
from backstay.models.catalog import Resource

_CONSTRAINTS = ("23505", "23502", "23514")


def said_to(caller: Caller, resource: Resource, error: BackstayError) -> BackstayError:
    """A broken constraint, told without naming a column that the caller cannot see."""
    if error.code not in _CONSTRAINTS:
        return error
    hidden = [name for name, rule in resource.access.fields.items() if rule.fold(caller) is not True]
    text = f"{error.message} {error.details} {error.hint}"
    return BackstayError(error.code) if any(name in text for name in hidden) else error
