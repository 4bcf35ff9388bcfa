"""Preferences of reads, stripped nulls, and the schema that was negotiated."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.answers import problem
from tests.callers import CallerClient

PORTS = "/rest/v1/ports"
VOYAGES = "/rest/v1/voyages"
ARRAY = "application/vnd.pgrst.array+json;nulls=stripped"
OBJECT = "application/vnd.pgrst.object+json;nulls=stripped"


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Asia/Tokyo", ["2026-06-01T17:30:00+09:00", "2026-07-01T09:00:00+09:00"]),
        ("America/St_Johns", ["2026-06-01T06:00:00-02:30", "2026-06-30T21:30:00-02:30"]),
        ("Europe/Berlin", ["2026-06-01T10:30:00+02:00", "2026-07-01T02:00:00+02:00"]),
        ("UTC", ["2026-06-01T08:30:00+00:00", "2026-07-01T00:00:00+00:00"]),
    ],
)
def test_points_in_time_are_shown_in_the_zone_asked_for(
    anonymous: CallerClient, zone: str, shown: list[str]
) -> None:
    response = anonymous.get(f"{VOYAGES}?select=starts_at", prefer=f"timezone={zone}")
    assert [row["starts_at"] for row in response.json()] == shown
    assert response.headers["preference-applied"] == f"timezone={zone}"
    spread = anonymous.get(
        f"{PORTS}?select=...voyages!start_code(starts_at.max)&code=eq.DEHAM".replace(".max", ""),
        prefer=f"timezone={zone}",
    )
    assert spread.json() == [{"starts_at": shown[:1]}]
    grouped = anonymous.get(f"{VOYAGES}?select=starts_at.max(),starts_at", prefer=f"timezone={zone}")
    assert [row["max"] for row in grouped.json()] == shown


def test_old_clocks_and_fractions(service: CallerClient) -> None:
    moments = ["1850-01-01T00:00:00Z", "2026-01-01T00:00:00.120Z", "0001-01-01T00:00:00Z", None]
    made = service.post(
        "/rest/v1/specimens?select=moment", [{"moment": moment} for moment in moments],
        prefer="return=representation, timezone=Europe/Amsterdam",
    )  # fmt: skip
    shown = [row["moment"] for row in made.json()]
    assert made.headers["preference-applied"] == "return=representation, timezone=Europe/Amsterdam"
    assert shown[0] in ("1850-01-01T00:19:32+00:19:32", "1850-01-01T00:17:30+00:17:30")
    assert shown[1] == "2026-01-01T01:00:00.12+01:00"
    assert shown[3] is None


def test_a_filter_is_read_as_ever(anonymous: CallerClient) -> None:
    response = anonymous.get(f"{VOYAGES}?select=title&starts_at=eq.2026-07-01", prefer="timezone=Asia/Tokyo")
    assert response.json() == [{"title": "bobs tour"}]


def test_one_row_is_shown_in_the_zone_too(alice: CallerClient) -> None:
    (row,) = alice.rows(f"{VOYAGES}?select=id&title=eq.summer")
    response = alice.get(f"{VOYAGES}/{row['id']}?select=starts_at", prefer="timezone=Asia/Tokyo")
    assert response.json() == {"starts_at": "2026-06-01T17:30:00+09:00"}
    changed = alice.patch(
        f"{VOYAGES}/{row['id']}?select=starts_at", {"rank": 5}, prefer="timezone=Asia/Tokyo",
        headers={"If-Match": response.headers["etag"]},
    )  # fmt: skip
    assert changed.json() == response.json()


def test_a_zone_nobody_knows(anonymous: CallerClient) -> None:
    response = anonymous.get(f"{VOYAGES}?select=starts_at&limit=1", prefer="timezone=Atlantis/Capital")
    assert response.json() == [{"starts_at": "2026-06-01T08:30:00+00:00"}]
    assert "preference-applied" not in response.headers
    refused = anonymous.get(VOYAGES, prefer="handling=strict, timezone=Atlantis/Capital")
    assert problem(refused, 400, "PGRST122")["details"] == "Invalid preferences: timezone=Atlantis/Capital"


@pytest.mark.parametrize(
    ("path", "document"),
    [
        (f"{PORTS}?select=code,kind,facts,tags,nations(name,founded)&code=eq.DEHAM",
         {"code": "DEHAM", "kind": "large", "facts": {"cranes": 80, "pi": 3.14}, "tags": ["river", "a b", "c,d"],
          "nations": {"name": "Germany", "founded": "1871-01-18"}}),
        (f"{PORTS}?select=code,kind,nations(name)&code=eq.XXNOW", {"code": "XXNOW"}),
        ("/rest/v1/ships?select=id,...papers(number),moorings(id)&id=eq.2", {"id": 2, "moorings": []}),
    ],
)  # fmt: skip
def test_nulls_are_stripped_at_any_depth(anonymous: CallerClient, path: str, document: Any) -> None:
    array = anonymous.get(path, headers={"Accept": ARRAY})
    assert array.json() == [document]
    assert array.headers["content-type"] == f"{ARRAY}; charset=utf-8"
    one = anonymous.get(path, headers={"Accept": OBJECT})
    assert one.json() == document
    assert one.headers["content-type"] == f"{OBJECT}; charset=utf-8"


def test_nulls_in_arrays_and_exact_numbers_stay(service: CallerClient) -> None:
    row = {"data": [None, {"a": None, "b": [None]}], "exact": "12345678901234567890.10", "words": ["a", None]}
    path = "/rest/v1/specimens?select=data,exact,words,day"
    made = service.post(path, row, prefer="return=representation", headers={"Accept": OBJECT})
    assert made.text == '{"data":[null,{"b":[null]}],"exact":12345678901234567890.10,"words":["a",null]}'
    problem(service.get(path + "&id=eq.0", headers={"Accept": OBJECT}), 406, "PGRST116")


def test_one_address_strips_nulls_too(anonymous: CallerClient) -> None:
    for accept in (ARRAY, OBJECT):
        response = anonymous.get(f"{PORTS}/XXNOW?select=code,kind", headers={"Accept": accept})
        assert response.text == '{"code":"XXNOW"}'


def test_the_schema_is_named_where_it_was_asked_for(editor: CallerClient) -> None:
    assert "content-profile" not in editor.get(PORTS).headers
    asked = {"Accept-Profile": "public", "Content-Profile": "public"}
    assert editor.get(PORTS, headers=asked).headers["content-profile"] == "public"
    made = editor.post("/rest/v1/ships", {"name": "Emma"}, headers=asked)
    assert made.headers["content-profile"] == "public"
    assert editor.delete("/rest/v1/ships?name=eq.Emma", headers=asked).headers["content-profile"] == "public"
    for path in ("/rest/v1/ships", "/rest/v1/ships/1"):
        assert editor.request("OPTIONS", path, headers=asked).headers["content-profile"] == "public"
        problem(editor.request("OPTIONS", path, headers={"Accept-Profile": "private"}), 406, "PGRST106")
    refused = editor.post("/rest/v1/ships", {"name": "Emma"}, headers={"Content-Profile": "private"})
    problem(refused, 406, "PGRST106")
