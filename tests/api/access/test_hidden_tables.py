"""A table that a caller may do nothing with is, in every position, a table that does not exist."""

from __future__ import annotations

from typing import Any

import pytest

from tests.callers import CallerClient

HIDDEN = ("vaults", "unruled_things")
ABSENT = {"vaults": "voults", "unruled_things": "unruled_thangs"}
PLACES = (
    ("GET", "/rest/v1/{0}"),
    ("HEAD", "/rest/v1/{0}"),
    ("OPTIONS", "/rest/v1/{0}"),
    ("PUT", "/rest/v1/{0}"),
    ("POST", "/rest/v1/{0}"),
    ("PATCH", "/rest/v1/{0}?id=eq.1"),
    ("PATCH", "/rest/v1/{0}"),
    ("DELETE", "/rest/v1/{0}?id=eq.1"),
    ("GET", "/rest/v1/{0}/1"),
    ("GET", "/rest/v1/{0}?select=nonsense"),
    ("GET", "/rest/v1/{0}?select=("),
    ("PATCH", "/rest/v1/{0}/1"),
    ("PUT", "/rest/v1/{0}/1"),
    ("DELETE", "/rest/v1/{0}/1"),
    ("POST", "/rest/v1/{0}/1"),
    ("GET", "/rest/v1/ports?select=code,{0}(id)"),
    ("GET", "/rest/v1/ports?select=code,{0}!inner(id)"),
    ("GET", "/rest/v1/ports?select=code,x:{0}_port_code_fkey(id)"),
    ("GET", "/rest/v1/ports?{0}=is.null"),
    ("GET", "/rest/v1/ports?{0}.id=eq.1"),
    ("GET", "/rest/v1/ports?select=code,ships!{0}(id)"),
    ("GET", "/rest/v1/ports?order={0}(id)"),
)


def _comparable(response: Any, hidden: str) -> tuple[Any, ...]:
    if not response.content:
        return response.status_code, "", response.headers.get("allow")
    document = response.json()
    document.pop("request_id", None)
    return response.status_code, str(document).replace(ABSENT[hidden], hidden), response.headers.get("allow")


@pytest.mark.parametrize("table", HIDDEN)
@pytest.mark.parametrize("caller", ["anonymous", "alice", "editor"])
def test_a_hidden_table_is_no_table(clients: dict[str, CallerClient], caller: str, table: str) -> None:
    client = clients[caller]
    for method, place in PLACES:
        body = {"id": 5, "gold": 1, "port_code": "DEHAM"} if method in ("POST", "PATCH", "PUT") else None
        hidden = client.request(method, place.format(table), json=body)
        absent = client.request(method, place.format(ABSENT[table]), json=body)
        assert _comparable(hidden, table) == _comparable(absent, table), (method, place)
        assert hidden.status_code >= 400, (method, place)
        assert "777777" not in hidden.text


def test_no_hint_leads_to_it(anonymous: CallerClient) -> None:
    for name in ("vault", "vaultz", "unruled_thing"):
        text = anonymous.get(f"/rest/v1/{name}").text
        assert "vaults" not in text
        assert "unruled_things" not in text
    assert "ports" in anonymous.get("/rest/v1/portz").json()["hint"]


def test_its_rows_hold_others_in_place_without_being_named(editor: CallerClient) -> None:
    """The vault's foreign key stops the deletion of its port; the answer must not name the vault."""
    response = editor.delete("/rest/v1/ports?code=eq.DEHAM")
    assert response.status_code == 409
    assert "vault" not in response.text
    assert "unruled" not in response.text


def test_the_service_stands_above_the_rules(service: CallerClient) -> None:
    assert service.values("/rest/v1/vaults", "gold") == [777777]
    assert service.rows("/rest/v1/ports?code=eq.DEHAM&select=vaults(gold)") == [
        {"vaults": [{"gold": 777777}]}
    ]


def test_the_service_has_the_methods_that_no_rule_grants(service: CallerClient) -> None:
    row = {"id": 2, "port_code": "DEHAM", "gold": 1}
    assert service.post("/rest/v1/vaults", row).status_code == 201
    assert service.patch("/rest/v1/vaults?id=eq.2", {"gold": 2}).status_code == 204
    assert service.put("/rest/v1/vaults/2", {**row, "gold": 3}).status_code == 200
    assert service.delete("/rest/v1/vaults?id=eq.2").status_code == 204
    for path in ("/rest/v1/vaults", "/rest/v1/vaults/1"):
        allowed = service.request("OPTIONS", path).headers["allow"]
        assert {"GET", "PATCH", "DELETE"} <= set(allowed.split(", "))


def test_a_table_one_may_only_write_to_is_not_there_for_reading(
    anonymous: CallerClient, editor: CallerClient
) -> None:
    assert anonymous.get("/rest/v1/letters").status_code == 404
    assert anonymous.get("/rest/v1/letters/1").status_code == 404
    assert anonymous.post("/rest/v1/letters", {"words": "x"}).status_code == 201
    assert editor.values("/rest/v1/letters", "words") == ["for editors only", "x"]


def test_the_documents_name_only_what_everybody_may_know(anonymous: CallerClient) -> None:
    for path in ("/openapi.json", "/rest/v1/"):
        text = anonymous.get(path).text
        assert "vaults" not in text
        assert "unruled_things" not in text
