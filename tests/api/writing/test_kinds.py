"""Every kind of column: written, shown and found again, in the same form on both engines."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from tests.api.answers import details_of, problem
from tests.callers import CallerClient

PATH = "/rest/v1/specimens"

# Column, JSON as sent, JSON text as it must come back (None: as it was sent).
SAME: tuple[tuple[str, str, str | None], ...] = (
    ("text", '"plain"', None),
    ("text", '""', None),
    ("text", '"line\\nbreak\\ttab \\"quote\\" \\\\ slash / ümläut 🚢"', None),
    ("text", '"\u2028"', None),
    ("text", '"null"', None),
    ("short", '"12345"', None),
    ("short", '"🚢🚢🚢🚢🚢"', None),
    ("choice", '"red"', None),
    ("choice", '"a b"', None),
    ("int16", "-32768", None),
    ("int16", "32767", None),
    ("int32", "2147483647", None),
    ("int32", "-2147483648", None),
    ("int64", "9223372036854775807", None),
    ("int64", "-9223372036854775808", None),
    ("int64", "9007199254740993", None),
    ("int64", "1e3", "1000"),
    ("int64", "5.0", "5"),
    ("real", "0.1", None),
    ("real", "17", None),
    ("real", "17.0", "17"),
    ("real", "-2.5", None),
    ("real", "0.30000000000000004", None),
    ("real", "100000000000000", None),
    ("real", "1e15", "1e+15"),
    ("real", "1e300", "1e+300"),
    ("real", "1.7976931348623157e308", "1.7976931348623157e+308"),
    ("real", "1e-5", "1e-05"),
    ("real", "5e-324", "5e-324"),
    ("real", "123456789012345680", "1.2345678901234568e+17"),
    ("money", "12.5", "12.50"),
    ("money", "0", "0.00"),
    ("money", "-0.01", None),
    ("money", "99999999.99", None),
    ("money", '"12.50"', "12.50"),
    ("exact", "0.1", None),
    ("exact", "1.10", None),
    ("exact", "123456789012345678901234567890.123456789", None),
    ("exact", "1e2", "100"),
    ("exact", "-5", None),
    ("flag", "true", None),
    ("flag", "false", None),
    ("key", '"6F9619FF-8B86-D011-B42D-00CF4FC964FF"', '"6f9619ff-8b86-d011-b42d-00cf4fc964ff"'),
    ("moment", '"2026-01-02T03:04:05Z"', '"2026-01-02T03:04:05+00:00"'),
    ("moment", '"2026-01-02T03:04:05.678900+02:00"', '"2026-01-02T01:04:05.6789+00:00"'),
    ("moment", '"2026-01-02 03:04"', '"2026-01-02T03:04:00+00:00"'),
    ("moment", '"0001-01-01T00:00:00Z"', '"0001-01-01T00:00:00+00:00"'),
    ("moment", '"9999-12-31T23:59:59.999999Z"', '"9999-12-31T23:59:59.999999+00:00"'),
    ("local", '"2026-01-02T03:04:05"', None),
    ("local", '"2026-01-02T03:04:05.5"', None),
    ("day", '"2024-02-29"', None),
    ("day", '"0001-01-01"', None),
    ("hour", '"13:14:15"', None),
    ("hour", '"13:14"', '"13:14:00"'),
    ("hour", '"13:14:15.250000"', '"13:14:15.25"'),
    ("blob", '"\\\\x00ff10"', None),
    ("blob", '"\\\\x"', None),
    ("blob", '"\\\\xABCD"', '"\\\\xabcd"'),
    ("words", '["a","b c","d,e","\\"q\\"","\\\\","{}","NULL","",null]', None),
    ("words", "[]", None),
    ("numbers", "[1,-2,null,2147483647]", None),
)

JSON_VALUES: tuple[str, ...] = (
    '{"a": [1, 2.50, null, true, "x"], "": {}}', "[]", "{}", '"text"', "5", "2.50", "123456789012345678901234567890.5", "true", "false",
    '"null"', '{"big": 123456789012345678901234567890, "small": 1e-20}', '"🚢 \\u202a"',
)  # fmt: skip


def _write(client: CallerClient, column: str, text: str) -> int:
    body = f'{{"{column}": {text}}}'.encode()
    response = client.request("POST", f"{PATH}?select=id", content=body, prefer="return=representation")
    assert response.status_code == 201, response.text
    number: int = response.json()[0]["id"]
    return number


@pytest.mark.parametrize(("column", "sent", "shown"), SAME)
def test_a_value_is_shown_in_one_exact_form_and_found_by_it(
    anonymous: CallerClient, column: str, sent: str, shown: str | None
) -> None:
    number = _write(anonymous, column, sent)
    answer = anonymous.get(f"{PATH}?select={column}&id=eq.{number}")
    assert answer.text.replace("\\/", "/") == f'[{{"{column}":{shown or sent}}}]'
    value = answer.json()[0][column]
    if column in ("words", "numbers"):
        literal = "{" + ",".join(_array_item(item) for item in value) + "}"
    else:
        literal = value if isinstance(value, str) else (shown or sent)
    assert anonymous.values(f"{PATH}?{column}=eq.{quote(literal, safe='')}&select=id", "id") == [number]
    assert anonymous.rows(f"{PATH}?{column}=neq.{quote(literal, safe='')}&select=id") == []


def _array_item(item: Any) -> str:
    if item is None:
        return "NULL"
    if isinstance(item, int):
        return str(item)
    return '"' + str(item).replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.mark.parametrize("sent", JSON_VALUES)
def test_json_keeps_its_value_and_is_found_by_it(anonymous: CallerClient, sent: str) -> None:
    number = _write(anonymous, "data", sent)
    text = anonymous.get(f"{PATH}?select=data&id=eq.{number}").text
    read = json.loads(text, parse_float=Decimal, parse_int=Decimal)[0]["data"]
    assert read == json.loads(sent, parse_float=Decimal, parse_int=Decimal)
    assert anonymous.values(f"{PATH}?data=eq.{quote(sent, safe='')}&select=id", "id") == [number]


def test_every_column_may_be_null_and_is_shown_as_null(anonymous: CallerClient) -> None:
    anonymous.post(PATH, {})
    (row,) = anonymous.rows(PATH)
    assert {value for name, value in row.items() if name != "id"} == {None}
    for name in row:
        assert len(anonymous.rows(f"{PATH}?{name}=is.null")) == (0 if name == "id" else 1)


def test_every_kind_orders_by_its_value(anonymous: CallerClient) -> None:
    orders = {
        "int64": ["-10", "-9", "2", "10"],
        "real": ["-10000000000", "-0.5", "2", "10"],
        "money": ["-10.50", "-9.99", "2.00", "10.00"],
        "exact": ["-10", "-9.999", "2", "10.1"],
        "choice": ['"red"', '"Green"', '"a b"'],
        "moment": [
            '"2025-12-31T23:59:59.9+00:00"',
            '"2026-01-01T00:00:00+00:00"',
            '"2026-01-01T00:00:00.1+00:00"',
        ],
        "hour": ['"01:00:00"', '"01:00:00.5"', '"01:00:01"'],
        "blob": ['"\\\\x"', '"\\\\x00"', '"\\\\x0100"', '"\\\\xff"'],
        "flag": ["false", "true"],
        "data": ["null", '"a"', '"b"', "2", "10", "false", "true", "[1]", "[1, 2]", '{"a": 1}'],
    }
    for column, values in orders.items():
        body = ",".join(f'{{"{column}":{value}}}' for value in reversed(values) if value != "null")
        response = anonymous.request("POST", PATH, content=f"[{body}]".encode())
        assert response.status_code == 201, response.text
        found = anonymous.get(f"{PATH}?select={column}&{column}=not.is.null&order={column}").text
        shown = ",".join(f'{{"{column}":{value}}}' for value in values if value != "null")
        assert found.replace(" ", "") == f"[{shown}]".replace(" ", ""), column
        anonymous.delete(f"{PATH}?id=gt.0")


BAD: tuple[tuple[str, str, str], ...] = (
    ("text", "5", "type"),
    ("text", "true", "type"),
    ("text", '{"a":1}', "type"),
    ("text", '"a\\u0000b"', "character"),
    ("text", '"evil \\u202e live"', "character"),
    ("text", '"bell \\u0007"', "character"),
    ("short", '"123456"', "length"),
    ("choice", '"blue"', "enum"),
    ("choice", '"RED"', "enum"),
    ("choice", "1", "type"),
    ("int16", "32768", "range"),
    ("int16", "-32769", "range"),
    ("int32", "2147483648", "range"),
    ("int64", "9223372036854775808", "range"),
    ("int64", "-9223372036854775809", "range"),
    ("int64", "1e30", "range"),
    ("int64", "1.5", "type"),
    ("int64", '"5"', "type"),
    ("int64", "true", "type"),
    ("real", "1e309", "range"),
    ("real", "-1e309", "range"),
    ("real", '"1.0"', "type"),
    ("money", "1.234", "range"),
    ("money", "100000000", "range"),
    ("money", '"NaN"', "format"),
    ("money", '"Infinity"', "format"),
    ("exact", "true", "type"),
    ("flag", "1", "type"),
    ("flag", '"true"', "type"),
    ("key", '"not-a-uuid"', "format"),
    ("key", "5", "type"),
    ("moment", '"yesterday"', "format"),
    ("moment", '"2026-02-30T00:00:00Z"', "format"),
    ("moment", '"2026-01-01T25:00:00Z"', "format"),
    ("moment", '"infinity"', "format"),
    ("moment", "1767225600", "type"),
    ("day", '"2023-02-29"', "format"),
    ("day", '"2023-1-1"', "format"),
    ("hour", '"24:00:01"', "format"),
    ("blob", '"00ff"', "format"),
    ("blob", '"\\\\x0"', "format"),
    ("words", '"a"', "type"),
    ("words", "[1]", "type"),
    ("words", '[["a"]]', "type"),
    ("numbers", "[2147483648]", "range"),
    ("numbers", '["1"]', "type"),
    ("data", '{"a":"\\u0000"}', "character"),
    ("data", '{"\\u0000":1}', "character"),
)


@pytest.mark.parametrize(("column", "sent", "code"), BAD)
def test_a_value_that_does_not_fit_is_named_with_its_path_and_nothing_is_written(
    anonymous: CallerClient, column: str, sent: str, code: str
) -> None:
    response = anonymous.request("POST", PATH, content=f'{{"{column}": {sent}}}'.encode())
    document = problem(response, 400, "validation_failed")
    details = details_of(document)
    assert list(details.values()) == [code]
    assert next(iter(details)).partition(".")[0] == column
    assert anonymous.rows(PATH) == []


@pytest.mark.parametrize(("column", "sent", "code"), BAD)
def test_a_change_to_a_value_that_does_not_fit_changes_nothing(
    anonymous: CallerClient, column: str, sent: str, code: str
) -> None:
    number = _write(anonymous, "text", '"before"')
    response = anonymous.request(
        "PATCH", f"{PATH}?id=eq.{number}", content=f'{{"{column}": {sent}}}'.encode()
    )
    problem(response, 400, "validation_failed")
    assert anonymous.values(PATH, "text") == ["before"]
