"""`->` and `->>` into JSON and arrays: select, filter, order."""

from __future__ import annotations

import pytest

from tests.api.answers import problem
from tests.callers import CallerClient

PORTS = "/rest/v1/ports"
BRV = f"{PORTS}?code=eq.DEBRV"


@pytest.mark.parametrize(
    ("item", "row"),
    [
        ("facts->cranes", {"cranes": 7}),
        ("facts->>cranes", {"cranes": "7"}),
        ("facts->berths->0", {"berths": {"name": "north"}}),
        ("facts->berths->-1->>name", {"name": "south"}),
        ("facts->berths->0->name", {"name": "north"}),
        ("facts->>open", {"open": "true"}),
        ("facts->open", {"open": True}),
        ("facts->nothing", {"nothing": None}),
        ("facts->berths->9", {"berths": None}),
        ("facts->cranes->deeper", {"deeper": None}),
        ("first:facts->berths->0->>name", {"first": "north"}),
        ("facts->>cranes::int", {"cranes": 7}),
        ("tags->0", {"tags": "fish"}),
        ("tags->>1", {"tags": "cars"}),
    ],
)
def test_a_path_selects_what_it_leads_to(anonymous: CallerClient, item: str, row: object) -> None:
    assert anonymous.rows(f"{BRV}&select={item}") == [row]


@pytest.mark.parametrize(
    ("filter_", "codes"),
    [
        ("facts->>cranes=eq.80", ["DEHAM"]),
        ("facts->cranes=eq.80", ["DEHAM"]),
        ("facts->cranes=eq.80.0", ["DEHAM"]),
        ("facts->cranes=gt.20", ["DEHAM", "NLRTM"]),
        ("facts->>pi=eq.3.14", ["DEHAM"]),
        ("facts->berths->0->>name=eq.north", ["DEBRV"]),
        ("facts->>none=is.null", ["DEBRV", "DEHAM", "FRLEH", "FRSML", "NLRTM", "XXNOW"]),
        ("facts->none=not.is.null", ["DEHAM"]),
        ("facts->>nothing=is.not_null", []),
        ("facts->>open=eq.true", ["DEBRV"]),
        ("facts->>cranes=in.(7,120)", ["DEBRV", "NLRTM"]),
        ("facts->>cranes=like.1*", ["NLRTM"]),
        ('facts=cs.{"cranes":80}', ["DEHAM"]),
        ('facts=cs.{"berths":[{"name":"south"}]}', ["DEBRV"]),
        ('facts=cd.{"cranes":120,"more":1}', ["FRLEH", "NLRTM"]),
        ('facts=eq.{"cranes":120}', ["NLRTM"]),
        ("facts=eq.{}", ["FRLEH"]),
        ("facts=is.null", ["FRSML", "XXNOW"]),
    ],
)
def test_a_path_filters(anonymous: CallerClient, filter_: str, codes: list[str]) -> None:
    assert anonymous.values(f"{PORTS}?{filter_}&select=code", "code") == codes


def test_a_path_into_what_is_no_document_is_refused(anonymous: CallerClient) -> None:
    problem(anonymous.get(f"{PORTS}?select=name->x"), 400, "42883")
    problem(anonymous.get(f"{PORTS}?depth->x=eq.1"), 400, "42883")


@pytest.mark.parametrize(
    "path", ["facts->", "facts->>", "facts->->x", "facts->99999999999999999999", "facts->a'b"]
)
def test_odd_paths_are_answered_or_refused(anonymous: CallerClient, path: str) -> None:
    assert anonymous.get(f"{PORTS}?select={path}").status_code in (200, 400)


def test_a_key_with_quotes_and_dots_is_only_a_key(editor: CallerClient) -> None:
    facts = {"a'b": 1, "a.b": 2, '"q"': 3, "$": 4, "sp ace": 5, "a[0]": 6, "$.x": 7}
    assert editor.patch(f"{PORTS}?code=eq.XXNOW", {"facts": facts}).status_code == 204
    for key, value in facts.items():
        quoted = '"' + key.replace('"', '\\"') + '"'
        (row,) = editor.rows(f"{PORTS}?code=eq.XXNOW&select=v:facts->{quoted}")
        assert row == {"v": value}, key


def test_json_comes_back_as_it_was_written(editor: CallerClient) -> None:
    document = {
        "a": [1, 2.5, "x", None, True, {"b": {}}],
        "": 0,
        "ü": "\U0001f6a2",
        "big": 2**60,
        "tiny": 1e-7,
    }
    editor.patch(f"{PORTS}?code=eq.XXNOW", {"facts": document})
    (row,) = editor.rows(f"{PORTS}?code=eq.XXNOW&select=facts")
    assert row["facts"] == document
