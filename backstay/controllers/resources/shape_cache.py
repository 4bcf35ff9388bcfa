"""A bounded store of things made once per shape of a question; the least recently used leave first.

Every entry has a weight, so that a few enormous questions cannot hold more memory than many ordinary ones. Not for
use by several threads at once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ShapeCache(Generic[K, V]):
    """At most `capacity` units of weight."""

    __slots__ = ("_capacity", "_entries", "_weight")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """What is stored under `key`, now the most recently used."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: K, value: V, weight: int = 1) -> None:
        """Stores `value`, and drops what no longer fits. What is heavier than the whole store is not stored."""
        if weight > self._capacity:
            return
        self.drop(key)
        self._entries[key] = (value, weight)
        self._weight += weight
        while self._weight > self._capacity:
            _, (_, dropped) = self._entries.popitem(last=False)
            self._weight -= dropped

    def drop(self, key: K) -> None:
        """Forgets `key`, if it is known."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._weight -= entry[1]
