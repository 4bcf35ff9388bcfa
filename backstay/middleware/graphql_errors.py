"""Problems at the address of GraphQL, as its clients read errors: beside the members of a problem document, `errors`.

What GraphQL itself refuses is answered by its controller. This is for what happens before and after: bad tokens, bodies
that are too large, faults of ours.
"""

from __future__ import annotations

from dataclasses import replace

from backstay.errors import CATALOGUE
from backstay.middleware.problem import Problem


def in_graphql_words(problem: Problem) -> Problem:
    """The same problem with the one error that it is."""
    entry = CATALOGUE.get(problem.code)
    extensions = {"code": problem.code, "kind": entry.kind.value if entry is not None else "internal"}
    return replace(
        problem,
        members={**problem.members, "errors": [{"message": problem.message, "extensions": extensions}]},
    )
