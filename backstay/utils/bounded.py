"""A dictionary with a limit: when it is full, what was added first goes."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedDict(dict[K, V], Generic[K, V]):
    """A `dict` of at most `limit` entries. Look-ups cost what a dict's cost; an eviction forgets the oldest entry.

    First in, first out rather than least recently used: a hot entry that is dropped is made again once per `limit`
    insertions, which is cheaper than touching an order at every look-up.
    """

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def __setitem__(self, key: K, value: V) -> None:
        if len(self) >= self.limit and key not in self:
            del self[next(iter(self))]
        super().__setitem__(key, value)
