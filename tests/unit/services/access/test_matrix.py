"""The matrix: one cell for each caller, action and column, and what a change of a rule opens and closes."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Computed
from sqlalchemy.orm import Mapped, mapped_column

from backstay.errors import BackstayError
from backstay.models.access.matrix import Change, Effect, Matrix, Place
from backstay.models.access.rules import Access, AccessRules
from backstay.models.access.terms import caller
from backstay.models.base import Model
from backstay.models.catalog import Catalog
from backstay.models.catalog_reading import read_catalog
from backstay.services.access.matrix import caller_kinds, compare, matrix_of
from backstay.services.access.matrix_document import document_of, read_document

ROLES = {"admin": ("users:*",), "clerk": ("ledgers:*",)}


class Ledger(Model):
    __tablename__ = "tabled_ledgers"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str]
    closed: Mapped[bool]
    total: Mapped[int]
    double: Mapped[int] = mapped_column(Computed("total * 2"))


OWN = Ledger.owner == caller.claim("sub")


class LedgerAccess(Access, model=Ledger):
    read = OWN | caller.has_role("auditor")
    create = OWN
    update = caller.can("ledgers:write") | (OWN & ~Ledger.closed)
    delete = caller.aal2 & OWN
    fields = {Ledger.total: caller.is_authenticated & (OWN | Ledger.closed)}


def catalog_with(**rules: Any) -> Catalog:
    """The catalog of the model, with other rules."""
    catalog = read_catalog([Ledger])
    other = type("Other", (Access,), {**vars(LedgerAccess), **rules})
    catalog.resources["tabled_ledgers"].access = AccessRules(other)
    return catalog


def matrix_with(**rules: Any) -> Matrix:
    catalog = catalog_with(**rules)
    return matrix_of(catalog, caller_kinds(catalog, ROLES))


def cells(matrix: Matrix, action: str, column: str = "*") -> dict[str, str]:
    found = matrix.cells[Place("tabled_ledgers", action, column)]
    return {name: cell.replace("tabled_ledgers.", "") for name, cell in found.items()}


def test_callers_are_those_of_the_roles_and_of_the_rules() -> None:
    assert matrix_with().callers == (
        "anonymous", "authenticated", "role:admin", "role:auditor", "role:clerk",
        "permission:ledgers:write", "service",
    )  # fmt: skip


def test_a_cell_is_what_can_happen_in_effect() -> None:
    matrix = matrix_with()
    own = "owner == caller.claim('sub')"
    assert cells(matrix, "read") == {
        "anonymous": "never", "authenticated": own, "role:admin": own, "role:auditor": "always",
        "role:clerk": own, "permission:ledgers:write": own, "service": "always",
    }  # fmt: skip
    # A clerk may write every ledger, and finds only those that a clerk may read.
    update = cells(matrix, "update")
    assert update["role:clerk"] == update["permission:ledgers:write"] == own
    assert update["authenticated"] == f"{own} and not closed"
    assert cells(matrix, "delete")["authenticated"] == f"caller.aal2 and {own}"
    assert cells(matrix, "read", "total")["role:auditor"] == f"{own} or closed"
    assert cells(matrix, "read", "total")["authenticated"] == own
    assert cells(matrix, "read", "total")["anonymous"] == "never"
    assert cells(matrix, "create", "double")["service"] == "never"
    assert ("tabled_ledgers", "delete", "total") not in matrix.cells


def test_the_document_is_the_matrix_and_always_the_same() -> None:
    document = document_of(matrix_with())
    assert document == document_of(matrix_with())
    assert read_document(document) == matrix_with()
    assert compare(read_document(document), matrix_with()) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "backstay access matrix 1"}', '{"format": 2}'])
def test_what_is_no_matrix_is_refused(text: str) -> None:
    with pytest.raises(BackstayError) as caught:
        read_document(text)
    assert caught.value.code == "bad_request"


def test_a_difference_says_who_gains_and_who_loses() -> None:
    before = matrix_with()
    opened = compare(before, matrix_with(read=True, delete=False))
    whole = [change for change in opened if change.place.column == "*"]
    own = "tabled_ledgers.owner == caller.claim('sub')"
    users = ("authenticated", "role:admin", "role:clerk", "permission:ledgers:write")
    place = Place("tabled_ledgers", "read", "*")
    assert whole[:2] == [
        Change(place, ("anonymous",), "never", "always"),
        Change(place, users, own, "always"),
    ]
    assert [change.effect for change in whole[:2]] == [Effect.OPENS, Effect.OPENS]
    deleted = [change for change in whole if change.place.action == "delete"]
    assert {change.effect for change in deleted} == {Effect.CLOSES}
    other = compare(before, matrix_with(create=Ledger.closed))
    assert Effect.OTHER in {change.effect for change in other}


def test_a_new_column_is_a_difference_though_it_is_as_open_as_its_row() -> None:
    before = matrix_with()
    cells_before = {place: cell for place, cell in before.cells.items() if place.column != "owner"}
    changes = compare(Matrix(before.callers, cells_before), before)
    assert {change.place.column for change in changes} == {"owner"}
    assert {change.before for change in changes} == {None}
    gone = compare(before, Matrix(before.callers, cells_before))
    assert {(change.place.column, change.after) for change in gone} == {("owner", None)}
