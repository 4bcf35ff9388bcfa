"""The ways from one table to another, and the names they go by in a question."""

from __future__ import annotations

from dataclasses import dataclass

from tests.api.oracle.models import Key, Schema


@dataclass(frozen=True, slots=True)
class Relation:
    """A way from one table to another; with a junction, `pairs` end in it and `far_pairs` lead out of it."""

    source: str
    target: str
    is_one: bool
    names: frozenset[str]
    hints: frozenset[str]
    attribute: str | None
    pairs: tuple[tuple[str, str], ...]
    junction: str | None = None
    far_pairs: tuple[tuple[str, str], ...] = ()


def relations(schema: Schema, source: str) -> list[Relation]:
    """Every relation that starts at a table."""
    found = [_to_one(key) for key in schema[source].keys]
    for spec in schema.values():
        found += [_of_many(key) for key in spec.keys if key.target == source]
        inside = [key for key in spec.keys if {near for near, _ in key.pairs} <= set(spec.primary_key)]
        found += [
            _through(spec.name, near, far)
            for near in inside
            for far in inside
            if near is not far and near.target == source
        ]
    return found


def _column_of(key: Key) -> frozenset[str]:
    return frozenset(near for near, _ in key.pairs) if len(key.pairs) == 1 else frozenset()


def _hints(key: Key) -> frozenset[str]:
    hints = {key.name, f"to_{key.name}", f"of_{key.name}"}
    return frozenset(hints | set(key.pairs[0])) if len(key.pairs) == 1 else frozenset(hints)


def _to_one(key: Key) -> Relation:
    names = {key.name, *_column_of(key)} | ({key.target} if key.target != key.source else set())
    return Relation(
        key.source,
        key.target,
        True,
        frozenset(names),
        _hints(key) - {f"of_{key.name}"},
        f"to_{key.name}",
        key.pairs,
    )


def _of_many(key: Key) -> Relation:
    names = {key.source} | ({key.name} if key.target != key.source else set())
    pairs = tuple((far, near) for near, far in key.pairs)
    hints = _hints(key) - {f"to_{key.name}"}
    return Relation(key.target, key.source, key.unique, frozenset(names), hints, f"of_{key.name}", pairs)


def _through(junction: str, near: Key, far: Key) -> Relation:
    return Relation(
        source=near.target,
        target=far.target,
        is_one=False,
        names=frozenset({far.target, f"{near.name} and {far.name}"}),
        hints=frozenset({junction, near.name, far.name}),
        attribute=None,
        pairs=tuple((outer, inner) for inner, outer in near.pairs),
        junction=junction,
        far_pairs=far.pairs,
    )
