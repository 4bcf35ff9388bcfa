"""Bodies that are not JSON: CSV and forms, whose values are texts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.answers import details_of, problem
from tests.callers import CallerClient

SHIPS = "/rest/v1/ships"
SPECIMENS = "/rest/v1/specimens"
CSV = {"Content-Type": "text/csv"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SHOWN = "return=representation"


def _csv(client: CallerClient, path: str, text: str, *, method: str = "POST", prefer: str = SHOWN) -> Any:
    return client.request(method, path, content=text.encode(), headers=CSV, prefer=prefer)


def test_csv_is_rows(editor: CallerClient) -> None:
    text = 'name,tons,flag\r\n"Emma, the\n""first""",1,NULL\r\nFritz,2,\r\nGesa,3,""\r\n'
    response = _csv(editor, f"{SHIPS}?select=name,tons,flag", text)
    assert response.status_code == 201
    assert response.json() == [
        {"name": 'Emma, the\n"first"', "tons": 1, "flag": None},
        {"name": "Fritz", "tons": 2, "flag": None},
        {"name": "Gesa", "tons": 3, "flag": ""},
    ]


def test_every_kind_is_read_from_text(service: CallerClient) -> None:
    values = {
        "text": "=1+1", "short": "ab", "choice": "a b", "int16": "-5", "int32": "7", "int64": "9007199254740993",
        "real": "0.1", "money": "12.50", "exact": "1.2300", "flag": "t", "key": "00000000-0000-4000-8000-00000000000A",
        "moment": "2026-06-01T10:00:00+02:00", "local": "2026-06-01 10:00:00", "day": "2026-06-01", "hour": "10:00",
        "blob": "\\x00ff", "data": '{"a": [1, null]}', "words": '{a,"b c",NULL}', "numbers": "[1,2]",
    }  # fmt: skip
    shown = {
        "text": "=1+1", "short": "ab", "choice": "a b", "int16": -5, "int32": 7, "int64": 9007199254740993,
        "real": 0.1, "money": 12.5, "exact": 1.23, "flag": True, "key": "00000000-0000-4000-8000-00000000000a",
        "moment": "2026-06-01T08:00:00+00:00", "local": "2026-06-01T10:00:00", "day": "2026-06-01", "hour": "10:00:00",
        "blob": "\\x00ff", "data": {"a": [1, None]}, "words": ["a", "b c", None], "numbers": [1, 2],
    }  # fmt: skip
    quoted = ",".join('"' + value.replace('"', '""') + '"' for value in values.values())
    made = _csv(service, SPECIMENS, f"{','.join(values)}\n{quoted}\n").json()[0]
    assert {name: made[name] for name in values} == shown
    text = service.get(f"{SPECIMENS}?select={','.join(values)}", headers={"Accept": "text/csv"}).text
    again = _csv(service, SPECIMENS, text).json()[0]
    assert {name: again[name] for name in values} == shown


def test_columns_and_upserts_work_as_with_json(editor: CallerClient) -> None:
    made = _csv(
        editor,
        f"{SHIPS}?columns=name&select=name,tons",
        "name,tons\nEmma,5\n",
        prefer=f"missing=default, {SHOWN}",
    )
    assert made.json() == [{"name": "Emma", "tons": 100}]
    merged = _csv(
        editor, f"{SHIPS}?select=id,name", "id,name\n1,Anne\n", prefer=f"resolution=merge-duplicates, {SHOWN}"
    )
    assert (merged.status_code, merged.json()) == (200, [{"id": 1, "name": "Anne"}])
    changed = _csv(editor, f"{SHIPS}?id=eq.1&select=tons", "tons\n77\n", method="PATCH")
    assert changed.json() == [{"tons": 77}]
    assert _csv(editor, SHIPS, "name\n").json() == []


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("", 400, "PGRST102"),
        ("name,tons\nEmma\n", 400, "PGRST102"),
        ("name\nEmma,1\n", 400, "PGRST102"),
        ('name\n"Emma\n', 400, "PGRST102"),
        ('name\nEm"ma\n', 400, "PGRST102"),
        ('name\n"Em"ma\n', 400, "PGRST102"),
        ("name,\nEmma,1\n", 400, "PGRST102"),
        ("name,name\nEmma,Emma\n", 422, "unprocessable"),
        ("name,nothing\nEmma,1\n", 400, "PGRST204"),
        ("name,double_tons\nEmma,1\n", 400, "428C9"),
        (",".join(f"c{n}" for n in range(1001)), 400, "PGRST102"),
    ],
)
def test_what_is_no_csv_is_refused(editor: CallerClient, text: str, status: int, code: str) -> None:
    problem(_csv(editor, SHIPS, text), status, code)


def test_each_bad_value_is_named(editor: CallerClient) -> None:
    response = _csv(editor, SHIPS, "name,tons,rating\nEmma,much,3\nFritz,1,9\nG\x00,1,1\n")
    details = details_of(problem(response, 400, "validation_failed"))
    assert details == {"0.tons": "format", "1.rating": "check", "2.name": "character"}


def test_a_form_is_one_row(editor: CallerClient) -> None:
    body = b"name=Emma+the%20first&tons=5&flag="
    made = editor.request("POST", f"{SHIPS}?select=name,tons,flag", content=body, headers=FORM, prefer=SHOWN)
    assert made.json() == [{"name": "Emma the first", "tons": 5, "flag": ""}]
    changed = editor.request(
        "PATCH", f"{SHIPS}?id=eq.1&select=tons", content=b"tons=6", headers=FORM, prefer=SHOWN
    )
    assert changed.json() == [{"tons": 6}]
    assert editor.request("PATCH", f"{SHIPS}/1?select=tons", content=b"tons=7", headers=FORM).json() == {
        "tons": 7
    }
    replaced = editor.request("PUT", f"{SHIPS}/9?select=id,name", content=b"name=Hans", headers=FORM)
    assert replaced.json() == {"id": 9, "name": "Hans"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"name=a&name=b", 422, "unprocessable"),
        (b"name=%zz", 400, "PGRST102"),
        (b"name=%ff", 400, "PGRST102"),
        (b"&".join(b"f%d=1" % n for n in range(1001)), 400, "PGRST102"),
        (b"tons=", 400, "validation_failed"),
        (b"nothing=1", 400, "PGRST204"),
    ],
)
def test_what_is_no_form_is_refused(editor: CallerClient, body: bytes, status: int, code: str) -> None:
    problem(editor.request("POST", SHIPS, content=body, headers=FORM), status, code)
