"""Computed fields: hybrids and column properties are read as columns are, but not written, and not part of `*`."""

from __future__ import annotations

from types import new_class
from typing import Any

import pytest
from sqlalchemy import Integer, String, Text, func, select, type_coerce
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, mapped_column

from backstay.errors import ConfigurationError
from backstay.models.access.caller import Caller
from backstay.models.access.rules import Access
from backstay.models.access.terms import caller
from backstay.models.auth.user import User
from backstay.models.catalog import ValueKind
from backstay.models.catalog_reading import read_catalog
from tests.callers import CallerClient


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("ships?select=title&id=lt.3", [{"title": "Anna (red)"}, {"title": "Berta (-)"}]),
        ("ships?select=id,called:title&title=like.*plain*&order=title.desc",
         [{"id": 4, "called": "Dora (plain)"}, {"id": 3, "called": "Clara (plain)"}]),
        ("ships?select=*,title&title=eq.Anna (red)", None),
        ("ports?select=code,is_deep::text&is_deep=is.true&order=is_deep,code&limit=1", [{"code": "DEHAM", "is_deep": "true"}]),
        ("nations?select=code,ports(code)&ports.is_deep=is.false&ports.order=is_deep,code.desc&code=eq.FR",
         [{"code": "FR", "ports": [{"code": "FRSML"}]}]),
        ("ships?select=id,ports!inner(is_deep)&ports.is_deep=eq.true&order=ports(is_deep),id.desc&limit=1",
         [{"id": 3, "ports": {"is_deep": True}}]),
        ("ships?select=title.max(),n:title.count()", [{"max": "Dora (plain)", "n": 4}]),
        ("ships?select=id&or=(title.ilike.*RED*,title.in.(\"Berta (-)\"))", [{"id": 1}, {"id": 2}]),
    ],
)  # fmt: skip
def test_they_are_selected_filtered_ordered_and_aggregated(
    anonymous: CallerClient, query: str, rows: Any
) -> None:
    response = anonymous.get(f"/rest/v1/{query}")
    assert response.status_code == 200, response.text
    if rows is None:
        (row,) = response.json()
        assert row["title"] == "Anna (red)"
        assert "tons" in row
    else:
        assert response.json() == rows


def test_exact_numbers_are_compared_as_numbers(alice: CallerClient) -> None:
    path = "/rest/v1/voyages?select=tax&order=tax.nullslast"
    assert [row["tax"] for row in alice.rows(path)] == [14, 201, None]
    assert [row["tax"] for row in alice.rows(f"{path}&tax=gt.20")] == [201]
    assert [row["tax"] for row in alice.rows(f"{path}&tax=in.(14,15)")] == [14]
    assert alice.rows("/rest/v1/voyages?select=tax.sum()") == [{"sum": 215}]


def test_they_are_not_part_of_everything(anonymous: CallerClient) -> None:
    for path in ("ships", "ships/1", "ships?select=*", "ports?select=code,ships(*)"):
        assert "Anna (red)" not in anonymous.get(f"/rest/v1/{path}").text
    assert "title" not in anonymous.get("/rest/v1/ships", headers={"Accept": "text/csv"}).text


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_they_cannot_be_written(editor: CallerClient, method: str) -> None:
    path = {"POST": "ships", "PATCH": "ships?id=eq.1", "PUT": "ships/1"}[method]
    response = editor.request(method, f"/rest/v1/{path}", json={"name": "x", "title": "y"})
    assert response.status_code == (422 if method == "PUT" else 400), response.text
    assert response.json()["code"] == ("unprocessable" if method == "PUT" else "428C9")


def test_what_was_written_is_shown_with_them(editor: CallerClient) -> None:
    made = editor.post("/rest/v1/ships?select=title", {"name": "Emma"}, prefer="return=representation")
    assert made.json() == [{"title": "Emma (plain)"}]
    changed = editor.patch(
        "/rest/v1/ships?title=eq.Anna (red)&select=id,title", {"flag": "blue"}, prefer="return=representation"
    )
    assert changed.json() == [{"id": 1, "title": "Anna (blue)"}]


def test_a_computed_field_is_in_the_descriptions_as_read_only(anonymous: CallerClient) -> None:
    document = anonymous.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert schemas["ships.Row"]["properties"]["title"]["readOnly"] is True
    assert schemas["voyages.Row"]["properties"]["tax"]["type"] == ["number", "null"]
    for form in ("Insert", "Update", "Replace"):
        assert "title" not in schemas[f"ships.{form}"]["properties"]
    definitions = anonymous.get("/rest/v1/").json()["definitions"]
    assert definitions["ships"]["properties"]["title"]["readOnly"] is True
    assert "title" not in definitions["ships"]["required"]


def _model(**attributes: Any) -> type:
    class Base(DeclarativeBase):
        pass

    columns = {
        "id": mapped_column(Integer, primary_key=True),
        "name": mapped_column(String(10)),
        "secret": mapped_column(String(10)),
    }
    return type("Thing", (Base,), {"__tablename__": "things", **columns, **attributes})


def _declare(model: type, fields: dict[Any, Any]) -> None:
    new_class("ThingAccess", (Access,), {"model": model}, lambda body: body.update(read=True, fields=fields))


@pytest.mark.parametrize(
    ("read", "reason"),
    [
        (lambda self: func.nobody_knows(self.name), "cannot be served"),
        (lambda self: self.name.upper(), "no SQL expression"),
        (lambda self: 5, "no SQL expression"),
        (lambda self: "a" if self.name == "b" else "c", "no SQL expression"),
        (lambda self: self.name == caller.claim("name"), "cannot read the caller"),
        (lambda self: select(func.count()).select_from(User).scalar_subquery(), "reads other rows"),
    ],
)
def test_one_that_cannot_be_served_stops_the_start(read: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_catalog([_model(odd=hybrid_property(read))])
    assert "Thing.odd" in str(caught.value)
    assert reason in str(caught.value)
    assert "odd" not in read_catalog([_model(_odd=hybrid_property(read))]).resources["things"].fields


def test_one_called_like_a_column_stops_the_start() -> None:
    model = _model(text_=mapped_column("label", Text()), label=hybrid_property(lambda self: self.name))
    with pytest.raises(ConfigurationError, match="name of a column"):
        read_catalog([model])


def test_one_that_reads_other_rows_needs_a_rule_of_its_own() -> None:
    def counted(self: Any) -> Any:
        return select(func.count()).select_from(User).scalar_subquery()

    model: Any = _model(counted=hybrid_property(counted))
    try:
        _declare(model, {model.counted: caller.is_authenticated})
        field = read_catalog([model]).resources["things"].fields["counted"]
    finally:
        Access.registry.pop(model, None)
    assert field.kind is ValueKind.INTEGER


def test_rules_of_what_it_reads_hold_beside_its_own() -> None:
    def joined(self: Any) -> Any:
        return type_coerce(self.name + self.secret, Text())

    model: Any = _model(joined=hybrid_property(joined))
    rules = {model.secret: caller.has_role("a"), model.joined: caller.has_role("b")}
    try:
        _declare(model, rules)
        rule = read_catalog([model]).resources["things"].access.fields["joined"]
    finally:
        Access.registry.pop(model, None)
    folded = {roles: rule.fold(Caller(roles=frozenset(roles))) for roles in ("", "a", "b", "ab")}
    assert folded == {"": False, "a": False, "b": False, "ab": True}
