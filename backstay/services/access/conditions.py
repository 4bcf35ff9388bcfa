"""What is left of folded rules as one condition on the row, in the fewest words."""

from __future__ import annotations

from collections.abc import Iterable

from backstay.models.access.clauses import Form
from backstay.models.access.explanation import Judged, Outcome
from backstay.models.access.matrix import ALWAYS, NEVER

# What must hold, each as the alternatives of which one is enough; None for what never can.
Condition = tuple[tuple[str, ...], ...] | None


def condition_of(found: Judged) -> Condition:
    """What is left of a rule; in `and` a part that is null leaves nothing that could hold."""
    if found.outcome is Outcome.TRUE:
        return ()
    if found.outcome in (Outcome.FALSE, Outcome.NULL):
        return None
    if found.clause.form is Form.AND and any(part.outcome is Outcome.NULL for part in found.parts):
        return None
    within = [condition_of(part) for part in found.parts if part.outcome is Outcome.DEPENDS]
    possible = [each for each in within if each is not None]
    if found.clause.form is Form.AND:
        return tuple(one for each in possible for one in each) if len(possible) == len(within) else None
    if found.clause.form is Form.OR and len(possible) < 2:
        return possible[0] if possible else None
    if found.clause.form is Form.OR and all(len(each) == 1 for each in possible):
        words = tuple(dict.fromkeys(word for (alternatives,) in possible for word in alternatives))
        return (words,)
    return ((found.left,),)


def condition_words(conditions: Iterable[Condition]) -> str:
    """All of the conditions in words, without those that another one makes sure of; `always` and `never` for none."""
    parts: list[tuple[str, ...]] = []
    for condition in conditions:
        if condition is None:
            return NEVER
        parts += condition
    distinct: dict[frozenset[str], tuple[str, ...]] = {}
    for part in parts:
        distinct.setdefault(frozenset(part), part)
    needed = [part for key, part in distinct.items() if not any(other < key for other in distinct)]
    if not needed:
        return ALWAYS
    said = [" or ".join(part) for part in needed]
    if len(said) == 1:
        return said[0]
    return " and ".join(
        f"({each})" if len(part) > 1 else each for each, part in zip(said, needed, strict=True)
    )
