"""Tables' own classes as `backstay eject` writes them, made on the spot: the applications of tests run on them.

`EJECTED=1 python -m pytest tests/api` runs every application of the API tests so.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from backstay.cli.ejected_classes import KINDS, class_name, class_text
from backstay.models.base import Model
from backstay.models.resources.of_table import OfTable

_numbers = itertools.count()


def own_tables(models: Sequence[type[Model]]) -> list[type[OfTable]]:
    """The classes of every model's table."""
    return [own_class(model.__tablename__, number) for model in models for number in range(len(KINDS))]


def own_class(table: str, number: int, *changes: tuple[str, str]) -> type[OfTable]:
    """One class of a table, after changes of its text; 0 for the controller, 1 the service, 2 the repository."""
    text = class_text(table, KINDS[number])
    for before, after in changes:
        assert text.count(before) >= 1, before
        text = text.replace(before, after)
    module = ModuleType(f"ejected_{next(_numbers)}")
    sys.modules[module.__name__] = module
    exec(compile(text, f"<{module.__name__}>", "exec"), module.__dict__)
    made: type[OfTable] = getattr(module, class_name(table, KINDS[number]))
    return made


def ejected_by_environment(models: Sequence[type[Model]]) -> dict[str, Any]:
    """The option of an application: its tables' own classes, where `EJECTED` is set."""
    return {"tables": own_tables(models)} if os.environ.get("EJECTED") else {}
