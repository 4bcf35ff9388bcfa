"""Values at and beyond every edge, as filters, keys, pages and bodies: answered or refused, never an accident."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.api.answers import problem
from tests.callers import CallerClient

SPECIMENS = "/rest/v1/specimens"
COLUMNS = (
    "id", "text", "short", "choice", "int16", "int32", "int64", "real", "money", "exact", "flag", "key", "moment",
    "local", "day", "hour", "blob", "data", "words", "numbers", "data->a", "data->>a", "words->0",
)  # fmt: skip
LITERALS = (
    "", " ", "0", "-0", "1", str(2**31 - 1), str(2**31), str(2**53 + 1), str(2**63 - 1), str(2**63), str(-(2**63)),
    str(-(2**63) - 1), "9" * 400, "1e308", "1e309", "-1e309", "1e-400", "1e99999", "0x10", "1_000", "١٢", "NaN",
    "nan", "Infinity", "-inf", "null", "NULL", "true", "{}", "{1,2", "{{1},{2}}", "{NULL}", "[]", "[1", '"', "'",
    "\\", "\\x", "\\xzz", "%", "*", "\u202e", "\u200b", "\ufeff", "\U0001f6a2", "a" * 3000, "2026-13-01",
    "0000-00-00", "-0001-01-01", "10000-01-01", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00+99:99", "infinity",
    "-infinity", "now", "24:00", "23:59:60", "\n", "\t", ");--", "00000000-0000-0000-0000-000000000000",
    "{00000000-0000-0000-0000-000000000000}", "(1,2)", "1,2", ":x", "?", "@>", "\x7f", "\x01",
)  # fmt: skip
RAW = ("%00", "a%00b", "%ff", "%ed%a0%80", "%c0%af", "%", "%zz", "%F0%9F", "%0d%0a", "%E2%80%AE")


@pytest.mark.parametrize("column", COLUMNS)
def test_no_literal_of_a_filter_is_an_accident(anonymous: CallerClient, column: str) -> None:
    for literal in LITERALS:
        text = quote(literal, safe="")
        for operator in ("eq", "gt", "neq", "in", "like", "cs", "isdistinct"):
            value = f"({text})" if operator == "in" else text
            response = anonymous.get(f"{SPECIMENS}?{column}={operator}.{value}")
            assert response.status_code in (200, 400), (column, operator, literal, response.text)
            if response.status_code == 400:
                problem(response, 400, response.json()["code"])


@pytest.mark.parametrize("raw", RAW)
def test_no_byte_of_an_address_is_an_accident(anonymous: CallerClient, raw: str) -> None:
    for path in (
        f"specimens?text=eq.{raw}", f"specimens?{raw}=eq.1", f"specimens?select={raw}", f"specimens?order={raw}",
        f"specimens?or=({raw})", f"specimens?limit={raw}", f"specimens/{raw}", f"{raw}", f"specimens?text=in.({raw})",
        f"specimens?text=like.{raw}", f"specimens?text=match.{raw}", f"specimens?data->{raw}=eq.1",
    ):  # fmt: skip
        response = anonymous.get(f"/rest/v1/{path}")
        assert response.status_code in (200, 400, 404, 416), (path, response.text)
        if response.status_code != 200:
            problem(response, response.status_code, response.json()["code"])


@pytest.mark.parametrize("literal", LITERALS)
def test_no_key_is_an_accident(editor: CallerClient, literal: str) -> None:
    key = quote(literal, safe="")
    for table in ("ships", "ports", "voyages", "berths", "crews"):
        for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
            response = editor.request(method, f"/rest/v1/{table}/{key}", json=body)
            assert response.status_code < 500, (table, method, literal, response.text)
            if response.status_code >= 400:
                problem(response, response.status_code, response.json()["code"])


JSON_VALUES: tuple[Any, ...] = (
    0, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**300, 1.5, 1e308, -1e308, 1e-320, "", " ", "x" * 10_000,
    "\u0000", "\u202e", "\U0001f6a2", "NaN", "Infinity", "1e400", "{}", "\\x", True, False, [], {}, [[]], [None],
    [{}], {"a": {"b": []}}, ["\u0000"], {"\u0000": 1}, "0001-01-01", "9999-12-31T23:59:59.9999999Z",
    "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "24:00:00",
)  # fmt: skip


@pytest.mark.parametrize("column", [name for name in COLUMNS if "->" not in name])
def test_no_value_of_a_body_is_an_accident(alice: CallerClient, column: str) -> None:
    for value in JSON_VALUES:
        body = json.dumps({column: value}).encode()
        response = alice.request("POST", SPECIMENS, content=body)
        assert response.status_code in (201, 400, 409), (column, value, response.text)
        if response.status_code != 201:
            problem(response, response.status_code, response.json()["code"])
        response = alice.request("PATCH", f"{SPECIMENS}?id=gt.0", content=body)
        assert response.status_code in (200, 204, 400, 409), (column, value, response.text)
    assert alice.get(SPECIMENS).status_code == 200
