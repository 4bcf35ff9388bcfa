"""Tables, built: the generic controller, service and repository, and those of the application's own.

In charge of which class a table has. Own classes are found in the package's rooms, as services are.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import TypeVar

from backstay.controllers.resources.item import ItemController
from backstay.controllers.resources.prefer import PreferParser
from backstay.controllers.resources.query_string import QueryStringParser
from backstay.controllers.resources.rest import RestController
from backstay.controllers.resources.row_address import RowAddresses
from backstay.controllers.resources.table_controller import TableController
from backstay.errors import ConfigurationError
from backstay.models.catalog import Catalog
from backstay.models.resources.of_table import OfTable
from backstay.repositories.database import Database
from backstay.repositories.database.driver_errors import Uniques
from backstay.repositories.resources.fetch import TableRepository
from backstay.repositories.resources.statements import Statements
from backstay.services.resources.cursors import Cursors
from backstay.services.resources.hook_transactions import HookTransactions
from backstay.services.resources.plans import Plans
from backstay.services.resources.table_service import TableService
from backstay.services.resources.tables import Tables

KINDS = (TableController, TableService, TableRepository)
C = TypeVar("C", bound=OfTable)


class OwnClasses:
    """The classes of tables that an application has of its own.

    Raises:
        ConfigurationError: for a table that is none, and for two classes that would be the same of one table.
    """

    def __init__(self, classes: Iterable[type[OfTable]], catalog: Catalog) -> None:
        self.all = tuple(each for each in classes if each.table is not None)
        problems = []
        for number, each in enumerate(self.all):
            table = str(each.table)
            if table not in catalog.resources:
                near = difflib.get_close_matches(table, catalog.resources, n=1)
                perhaps = f"; perhaps you meant '{near[0]}'" if near else ""
                problems.append(f"{_words(each)} is of the table '{table}', which is none{perhaps}")
            for other in self.all[:number]:
                if other.table == table and kind_of(other) is kind_of(each):
                    what = kind_of(each).__name__
                    problems.append(f"{_words(other)} and {_words(each)} are both the {what} of '{table}'")
        if problems:
            raise ConfigurationError(problems)

    def of_kind(self, kind: type[C]) -> dict[str, type[C]]:
        """Those of one kind, by table."""
        return {str(each.table): each for each in self.all if issubclass(each, kind)}

    def of(self, table: str) -> list[type[OfTable]]:
        """Those of one table."""
        return [each for each in self.all if each.table == table]


def classes_in(modules: Iterable[ModuleType]) -> tuple[type[OfTable], ...]:
    """The classes of tables that those modules define, in the order in which they define them."""
    return tuple(
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, KINDS) and value.__module__ == module.__name__
    )


def kind_of(own: type[OfTable]) -> type[OfTable]:
    """Which of the three it is."""
    return next(kind for kind in KINDS if issubclass(own, kind))


def file_of(own: type[OfTable]) -> str:
    """The file that defines it."""
    return getattr(sys.modules[own.__module__], "__file__", None) or own.__module__


def build_tables(
    own: OwnClasses,
    plans: Plans,
    database: Database,
    statements: Statements,
    uniques: Uniques,
    cursors: Cursors,
    hooks: HookTransactions,
) -> Tables:
    """The services of all tables, each on its repository."""
    generic = TableRepository(database, statements, uniques)
    repositories: Mapping[str, TableRepository] = {
        table: made(database, statements, uniques) for table, made in own.of_kind(TableRepository).items()
    }
    classes = own.of_kind(TableService)
    services = {
        table: classes.get(table, TableService)(plans, repositories.get(table, generic), cursors, hooks)
        for table in {**classes, **repositories}
    }
    return Tables(plans, TableService(plans, generic, cursors, hooks), services)


def build_controllers(own: OwnClasses, tables: Tables, prefix: str) -> tuple[RestController, ItemController]:
    """The controllers of all tables, and of all rows."""
    settings = tables.plans.settings
    queries, preferences = QueryStringParser(), PreferParser()
    generic = TableController(tables, queries, preferences, settings)
    controllers = {
        table: made(tables, queries, preferences, settings)
        for table, made in own.of_kind(TableController).items()
    }
    addresses = RowAddresses(queries, preferences, settings)
    whole = RestController(prefix, tables.plans, generic, controllers)
    return whole, ItemController(prefix, tables.plans, addresses, generic, controllers, whole)


def _words(own: type[OfTable]) -> str:
    return f"{own.__name__} ({file_of(own)})"
