"""A read is one SQL statement, however deep it embeds; counted at the driver, on both engines."""

from __future__ import annotations

import pytest

from tests.api.harbour import Harbour
from tests.api.seed import voyage_id
from tests.callers import CallerClient

DEEP = "nations?select=*,ports(*,ships(*,crews(*,sailors(*))))"
READS: tuple[tuple[str, str | None, dict[str, str]], ...] = (
    ("ports", None, {}),
    ("ports?select=code&order=name.desc&limit=2&offset=1", None, {}),
    ("ports?limit=2", "count=exact", {}),
    ("ports?order=nation_code&limit=2&$after=", "count=exact", {}),
    ("ports?select=code,ships(*)&limit=2", "cursor", {"If-None-Match": "*"}),
    ("ports?code=eq.NOPE", "count=exact", {}),
    ("ports/DEHAM", None, {}),
    ("ports/DEHAM", None, {"If-None-Match": "*"}),
    ("ports", None, {"Accept": "text/csv"}),
    ("ports?code=eq.DEHAM", None, {"Accept": "application/vnd.pgrst.object+json"}),
    ("ports?select=code,nations(name)", None, {}),
    ("ports?select=code,ships!inner(name,papers(*))&ships.limit=1&ships.order=tons", "count=exact", {}),
    ("ports?select=code,nations(name)&order=nations(name)", None, {}),
    ("voyages?select=*,start:ports!start_code(*),end:ports!end_code(*),stops(*)", None, {}),
    (f"voyages/{voyage_id(1)}?select=*,stops(*,ports(*,nations(*,ports(*))))", None, {}),
    (DEEP, None, {}),
    (DEEP, "count=exact", {}),
    (f"{DEEP}&ports.ships.crews.sailors.order=name.desc&ports.ships.limit=1", None, {}),
    ("ports?select=kind,depth.avg(),count()", "count=exact", {}),
    ("nations?select=code,ports(kind,count(),ships(tons.sum()))", None, {}),
    ("ports?select=name,...nations(nation:name),...ships(ship:name,...sailors(sailor:name))", None, {}),
    ("ships?select=title,ports(is_deep),count()&ports.is_deep=is.true", None, {}),
    ("ports", "timezone=Asia/Tokyo", {"Accept": "application/vnd.pgrst.array+json;nulls=stripped"}),
    ("sailors?select=a:sailors(b:sailors(c:sailors(d:sailors(id))))", None, {}),
)


@pytest.mark.parametrize(("path", "prefer", "headers"), READS)
@pytest.mark.parametrize("name", ["anonymous", "alice", "service"])
def test_a_read_is_one_statement(
    app: Harbour,
    clients: dict[str, CallerClient],
    name: str,
    path: str,
    prefer: str | None,
    headers: dict[str, str],
) -> None:
    client = clients[name]
    client.get(f"/rest/v1/{path}", prefer=prefer, headers=headers)
    with app.counting() as statements:
        response = client.get(f"/rest/v1/{path}", prefer=prefer, headers=headers)
    assert response.status_code in (200, 206, 304), response.text
    assert len(statements) == 1, statements


def test_the_first_read_of_a_shape_is_one_statement_too(app: Harbour, anonymous: CallerClient) -> None:
    anonymous.get("/rest/v1/ports")
    with app.counting() as statements:
        anonymous.get("/rest/v1/ports?select=never:code,asked:name,before:depth,nations(*)")
    assert len(statements) == 1, statements


@pytest.mark.parametrize(
    "path", ["nothing", "vaults", "ports?nonsense=eq.1", "ports?depth=eq.deep", "ports?select=("]
)
def test_a_read_that_is_refused_is_no_statement(app: Harbour, anonymous: CallerClient, path: str) -> None:
    anonymous.get("/rest/v1/ports")
    with app.counting() as statements:
        response = anonymous.get(f"/rest/v1/{path}")
    assert response.status_code >= 400
    assert statements == []


def test_literals_are_bound_and_never_part_of_the_statement(app: Harbour, anonymous: CallerClient) -> None:
    anonymous.get("/rest/v1/ports?name=eq.first")
    with app.counting() as statements:
        anonymous.get("/rest/v1/ports?name=eq.sentinel")
        anonymous.get("/rest/v1/ports?name=eq.other")
    assert len(statements) == 2
    if app.engine == "postgresql":
        assert statements[0] == statements[1]
        assert "sentinel" not in statements[0]
