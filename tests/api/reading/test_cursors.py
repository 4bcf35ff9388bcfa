"""Cursors: the pages of a question are its rows once each, whoever writes between them, and tell nothing else."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from typing import Any

import pytest

from tests.api.answers import problem
from tests.api.harbour import Harbour
from tests.callers import CallerClient

_NEXT = re.compile(r'<(/[^>]+)>; rel="next"')


def pages(client: CallerClient, path: str, limit: int = 2, prefer: str | None = None) -> list[list[Any]]:
    """The rows behind a path, page by page, by following the links."""
    link = f"/rest/v1/{path}{'&' if '?' in path else '?'}limit={limit}&$after="
    found = []
    while True:
        response = client.get(link, prefer=prefer)
        assert response.status_code in (200, 206), response.text
        if response.json():
            found.append(response.json())
        next_page = _NEXT.fullmatch(response.headers.get("link", ""))
        if next_page is None:
            return found
        link = next_page[1]


@pytest.mark.parametrize(
    "question",
    [
        "ports",
        "ports?order=name.desc&select=name,nations(name)",
        "ports?order=depth",
        "ports?order=depth.desc.nullslast",
        "ports?order=depth.nullsfirst,kind.desc",
        "ports?order=kind.desc&depth=not.is.null&select=depth,kind",
        "ports?order=facts->cranes.desc,facts->>pi",
        "ports?order=nations(name).desc&select=code,nations(name)",
        "ports?select=...nations(nation:name),code,k:name&order=nation_code.desc",
        "ports?select=nations()&order=code.desc",
        "crews?order=duty",
        "berths?order=length.desc,port_code",
        "voyages?order=rank,starts_at.desc",
        "voyages?select=title&order=public,title.desc&or=(public.is.true,rank.gt.1)",
    ],
)
@pytest.mark.parametrize("name", ["anonymous", "alice", "service"])
def test_pages_hold_every_row_once_and_in_order(
    clients: dict[str, CallerClient], name: str, question: str
) -> None:
    client = clients[name]
    whole = client.rows(f"/rest/v1/{question}")
    found = pages(client, question)
    assert [row for page in found for row in page] == whole
    assert all(len(page) == 2 for page in found[:-1])


def test_writes_before_and_at_the_cursor_shift_no_page(anonymous: CallerClient, editor: CallerClient) -> None:
    first = anonymous.get("/rest/v1/ports?order=name&limit=2&select=name&$after=")
    assert [row["name"] for row in first.json()] == ["100% Nowhere_\\", "Bremerhaven"]
    assert editor.post("/rest/v1/ports", {"code": "AAAAA", "name": "Aachen"}).status_code == 201
    assert editor.delete("/rest/v1/ports?name=eq.Bremerhaven").status_code == 409  # a voyage stops there
    assert editor.patch("/rest/v1/ports?name=eq.Bremerhaven", {"name": "A"}).status_code == 204
    link = _NEXT.fullmatch(first.headers["link"])
    assert link is not None
    assert anonymous.values(link[1], "name") == ["Hamburg", "Le Havre"]


def test_who_asks_for_no_cursor_gets_none_and_pays_for_none(app: Harbour, anonymous: CallerClient) -> None:
    path = "/rest/v1/ports?order=depth&limit=2"
    with app.counting() as statements:
        assert "link" not in anonymous.get(path).headers
        asked = anonymous.get(path, prefer="cursor")
        assert "json_build_array" not in statements[0]
        assert "json_array" not in statements[0]
        assert len(statements) == 2
    assert asked.headers["preference-applied"] == "cursor"
    link = _NEXT.fullmatch(asked.headers["link"])
    assert link is not None
    by_link = anonymous.get(link[1])
    cursor = link[1].rpartition("$after=")[2]
    by_preference = anonymous.get(path, prefer=f'cursor="{cursor}"')
    assert by_preference.json() == by_link.json()
    assert anonymous.get(path, prefer="cursor=first").json() == asked.json()


def test_head_links_and_places_after_a_cursor_are_not_counted(anonymous: CallerClient) -> None:
    first = anonymous.head("/rest/v1/ports?limit=4", prefer="cursor, count=exact")
    assert first.headers["content-range"] == "0-3/6"
    assert first.status_code == 206
    link = _NEXT.fullmatch(first.headers["link"])
    assert link is not None
    assert first.content == b""
    second = anonymous.get(link[1], prefer="count=exact")
    assert second.headers["content-range"] == "*/6"
    assert len(second.json()) == 2
    assert "link" not in second.headers
    assert "link" not in anonymous.get("/rest/v1/ports?limit=0&$after=").headers
    assert "link" not in anonymous.get("/rest/v1/ports?$after=").headers


def _cursor(client: CallerClient, path: str) -> str:
    link = client.get(f"/rest/v1/{path}", prefer="cursor").headers["link"]
    return re.sub(r".*\$after=([^&>]+).*", r"\1", link)


@pytest.mark.parametrize(
    ("question", "harm"),
    [
        ("ports?order=name&limit=1", lambda cursor: cursor[:-3]),
        ("ports?order=name&limit=1", lambda cursor: ("B" if cursor[20] == "A" else "A").join((cursor[:20], cursor[21:]))),
        ("ports?order=name&limit=1", lambda cursor: "eq.5"),
        ("ports?order=name&limit=1", lambda cursor: "A" * 7000),
        ("ports?order=name&limit=1", lambda cursor: "%C3%A4"),
        ("ports?order=name.desc&limit=1", lambda cursor: cursor),
        ("ports?order=depth&limit=1", lambda cursor: cursor),
        ("ports?order=name&limit=1&depth=gt.1", lambda cursor: cursor),
        ("ships?order=name&limit=1", lambda cursor: cursor),
    ],
)  # fmt: skip
def test_a_cursor_of_another_question_and_one_that_was_touched_are_refused_alike(
    anonymous: CallerClient, question: str, harm: Any
) -> None:
    cursor = _cursor(anonymous, "ports?order=name&limit=1")
    answer = problem(anonymous.get(f"/rest/v1/{question}&$after={harm(cursor)}"), 400, "bad_cursor")
    assert answer["message"] == "This is not a cursor of this question."
    assert answer["details"] is None


def test_a_cursor_is_its_callers_own_and_shows_nothing(clients: dict[str, CallerClient]) -> None:
    question = "voyages?order=public&limit=1"
    cursors = {name: _cursor(client, question) for name, client in clients.items()}
    for maker, cursor in cursors.items():
        for name, client in clients.items():
            response = client.get(f"/rest/v1/{question}&$after={cursor}")
            same = {maker, name} in ({"anonymous", "publishable"}, {name})
            assert (response.status_code == 200) is same, (maker, name, response.text)
        content = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        assert b"0190" not in content


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ("ports?order=earnings&limit=1&$after=", "42703"),
        ("ports?limit=1&$after=&$after=", "PGRST100"),
        ("ports?select=kind,count()&$after=", "PGRST127"),
        ("ports/DEHAM?$after=", "PGRST100"),
    ],
)
def test_what_has_no_cursor_says_so(anonymous: CallerClient, request_: str, code: str) -> None:
    problem(anonymous.get(f"/rest/v1/{request_}"), 400, code)


def test_offsets_and_cursors_exclude_each_other(anonymous: CallerClient, editor: CallerClient) -> None:
    link = anonymous.get("/rest/v1/ports?limit=1&offset=1&$after=").headers["link"]
    assert "offset" not in link
    cursor = _cursor(anonymous, "ports?limit=1")
    problem(anonymous.get(f"/rest/v1/ports?limit=1&offset=1&$after={cursor}"), 400, "PGRST100")
    problem(editor.patch(f"/rest/v1/ports?code=eq.DEHAM&$after={cursor}", {"name": "x"}), 400, "PGRST100")


def test_a_place_that_is_too_long_for_a_cursor_is_refused(editor: CallerClient) -> None:
    row = {"code": "AAAAA", "name": "A", "facts": {"long": "x" * 5000}}
    assert editor.post("/rest/v1/ports", row).status_code == 201
    path = "/rest/v1/ports?order=facts->>long.desc.nullslast&limit=1"
    assert editor.get(path).status_code == 200
    problem(editor.get(path, prefer="cursor"), 400, "54000")
