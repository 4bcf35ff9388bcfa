"""An audience: callers of whom some facts are known and others differ from one to the next.

What is described ahead of a request (types for client code) is described for an audience, and in charge of what a
rule can come to for its members is this file. It folds; it never looks at rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from backstay.models.access.caller import ANONYMOUS, SERVICE, Caller
from backstay.models.access.rules import Predicate, Rule, Signature, term_value
from backstay.models.access.terms import CallerTerm

# Every open term doubles the foldings. A rule with more is taken to come to anything.
MOST_OPEN_TERMS = 8


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a rule comes to for an audience.

    Attributes:
        may_hold: for some member, for some row.
        may_be_never: for some member it holds for no row at all.
        may_depend: for some member it depends on the row.
    """

    may_hold: bool
    may_be_never: bool
    may_depend: bool


ALWAYS = Outlook(may_hold=True, may_be_never=False, may_depend=False)
_ANYTHING = Outlook(may_hold=True, may_be_never=True, may_depend=True)


@dataclass(frozen=True, slots=True)
class Audience:
    """Callers who are alike in what is known of them.

    Attributes:
        words: who they are, for people.
        member: one of them; what is known of all is read from this one.
        differs: the terms of rules (`has_role`, `claim`, …) in which they differ.
    """

    words: str
    member: Caller
    differs: frozenset[str] = frozenset()

    def outlook(self, rule: Rule) -> Outlook:
        """What the rule comes to for the members, taken together."""
        if self.member.bypasses_rules:
            return ALWAYS
        if len({term.words for term in rule.terms if self._is_open(term)}) > MOST_OPEN_TERMS:
            return _ANYTHING
        outcomes = [rule.fold_where(signature) for signature in self._signatures(rule)]
        return Outlook(
            may_hold=any(outcome is not False for outcome in outcomes),
            may_be_never=any(outcome is False for outcome in outcomes),
            may_depend=any(isinstance(outcome, Predicate) for outcome in outcomes),
        )

    def _signatures(self, rule: Rule) -> Iterator[Signature]:
        """One for each way in which members can differ. A term that a rule has twice is the same in both places."""
        by_words = {term.words: term for term in rule.terms}
        known = [self._states(term) for term in by_words.values()]
        for states in itertools.product(*known):
            state = dict(zip(by_words, states, strict=True))
            yield tuple(state[term.words] for term in rule.terms)

    def _states(self, term: CallerTerm) -> tuple[bool, ...]:
        if self._is_open(term):
            return (True, False)
        value = term_value(term, self.member)
        return (bool(value) if term.is_test else value is not None,)

    def _is_open(self, term: CallerTerm) -> bool:
        return term.words.partition("(")[0] in self.differs


# A claim is in the token of some, and a second factor was proven by some, whatever else is known of a user.
_OPEN_TO_USERS = frozenset({"aal2", "claim", "unverified_metadata"})
_SOME_USER = UUID(int=0)

ANYBODY_ANONYMOUS = Audience("callers who have not signed in", ANONYMOUS)
SIGNED_IN = Audience(
    "any signed-in caller",
    Caller(id=_SOME_USER, role="authenticated"),
    _OPEN_TO_USERS | {"has_role", "can"},
)
WITHOUT_ROLE = Audience(
    "signed-in callers without a role", Caller(id=_SOME_USER, role="authenticated"), _OPEN_TO_USERS
)
ABOVE_RULES = Audience("the secret key, which stands above the rules", SERVICE)


def with_role(name: str) -> Audience:
    """Signed-in callers with that one role. What the role permits is kept in the database, so `can` stays open."""
    member = Caller(id=_SOME_USER, role="authenticated", roles=frozenset({name}))
    return Audience(f"signed-in callers with the role {name}", member, _OPEN_TO_USERS | {"can"})
