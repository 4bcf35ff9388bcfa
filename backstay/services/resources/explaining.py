"""Explaining what rules say of one row: the pure part is in `services/access/explain.py`."""

from __future__ import annotations

from typing import Any

from backstay.errors import BackstayError
from backstay.models.access.explanation import Explanation
from backstay.models.catalog import Resource
from backstay.repositories.resources.row_clauses import RowClauses
from backstay.services.access.explain import Question, answered, explain
from backstay.services.resources.literals import read_scalar


class RowExplainer:
    """Asks the database about the row that a question means. Changes nothing."""

    def __init__(self, rows: RowClauses) -> None:
        self._rows = rows

    async def explain(self, question: Question, key: str) -> Explanation:
        """What decides for the row of that key: `value`, or `value,value` for a composite one.

        Raises:
            BackstayError: `bad_request` for a key with another number of parts; what the database's door raises.
        """
        explanation = explain(question)
        values = _key_values(question.resource, key)
        if values is None:
            return answered(explanation, question, None)
        predicates = explanation.predicates()
        found = await self._rows.ask(question.resource, values, predicates, question.caller)
        if found is None:
            return answered(explanation, question, None)
        answers = {id(predicate): holds for predicate, holds in zip(predicates, found, strict=True)}
        return answered(explanation, question, answers)


def _key_values(resource: Resource, key: str) -> list[Any] | None:
    """The key's values; None when no row can have them, such as a word for a number."""
    fields = resource.primary_key
    parts = [key] if len(fields) == 1 else key.split(",")
    if len(parts) != len(fields):
        names = ",".join(field.name for field in fields)
        raise BackstayError("bad_request", f"the key of {resource.name} is {names}")
    try:
        return [read_scalar(part, field) for part, field in zip(parts, fields, strict=True)]
    except BackstayError:
        return None
