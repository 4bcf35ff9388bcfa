"""The names of a generated Python module: what its classes and attributes are called, each different from all others."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable

from pydantic import BaseModel

from backstay.models.resources.typed import TypedCatalog

# What annotations say: an attribute of that name would hide it from the lines below.
_SPOKEN = frozenset({
    "Any", "Bytea", "JsonValue", "Literal", "bool", "bytes", "dict", "dt", "float", "int", "list", "str", "tuple", "uuid",
})  # fmt: skip
_INHERITED = frozenset(dir(BaseModel))


class Names:
    """Names of classes, handed out in the catalog's order, so that the same catalog always has the same."""

    def __init__(self, catalog: TypedCatalog) -> None:
        self._taken: set[str] = set()
        self.enums = {name: self._claim(name, ("",)) for name in catalog.enums}
        self.tables = {
            table.name: self._claim(table.name, ("", "Insert", "Update")) for table in catalog.tables
        }
        self.functions = {
            each.name: self._claim(each.name, ("Args", "Returns")) for each in catalog.functions
        }
        self.definitions = {name: self._claim(name, ("",)) for name in catalog.definitions}
        self.readable = {table.name for table in catalog.tables if table.readable}

    def _claim(self, name: str, endings: Iterable[str]) -> str:
        words = re.split(r"[\W_]+", unicodedata.normalize("NFKC", name))
        claimed = "Public" + "".join(word[:1].upper() + word[1:] for word in words)
        while not self._taken.isdisjoint(f"{claimed}{ending}" for ending in endings):
            claimed += "_"
        self._taken.update(f"{claimed}{ending}" for ending in endings)
        return claimed


def attribute_names(columns: Iterable[str]) -> dict[str, str]:
    """The attribute of a model by column. What Python or Pydantic has taken, or cannot spell, becomes something near."""
    names: dict[str, str] = {}
    for column in columns:
        name = re.sub(r"\W", "_", unicodedata.normalize("NFKC", column)).lstrip("_")
        if not name or name[0].isdigit() or name.startswith("model_"):
            name = f"field_{name}"
        if name in _SPOKEN or name in _INHERITED or keyword.iskeyword(name):
            name += "_"
        while name in names.values():
            name += "_"
        names[column] = name
    return names


def is_plain(name: str) -> bool:
    """True when a class can have a key of exactly this name in its body."""
    is_spelt_so = name.isidentifier() and unicodedata.normalize("NFKC", name) == name
    return is_spelt_so and not keyword.iskeyword(name) and not name.startswith("__") and name not in _SPOKEN
