"""What the tables of the API tests hold before each test."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

ALICE = UUID("00000000-0000-4000-8000-00000000000a")
BOB = UUID("00000000-0000-4000-8000-00000000000b")
EDITOR = UUID("00000000-0000-4000-8000-0000000000ed")


def voyage_id(number: int) -> UUID:
    """The id of the voyage of that number; ids sort as numbers do."""
    return UUID(int=0x0190_0000_0000_7000_8000_0000_0000_0000 + number)


def _voyage(
    number: int, owner: UUID, start: str, end: str | None, public: bool, **more: Any
) -> dict[str, Any]:
    return {
        "id": voyage_id(number), "owner_id": owner, "start_code": start, "end_code": end, "public": public,
        "cost": None, "title": None, "starts_at": None, "rank": None, **more,
    }  # fmt: skip


def _port(code: str, name: str, nation: str | None, **more: Any) -> dict[str, Any]:
    return {
        "code": code, "name": name, "nation_code": nation, "depth": None, "kind": None, "tags": None,
        "facts": None, "earnings": None, **more,
    }  # fmt: skip


USERS = (
    {"id": ALICE, "email": "alice@example.com"},
    {"id": BOB, "email": "bob@example.com"},
    {"id": EDITOR, "email": "editor@example.com"},
)

# In an order that satisfies the foreign keys.
ROWS: Mapping[str, Sequence[dict[str, Any]]] = {
    "nations": [
        {"code": "DE", "name": "Germany", "founded": dt.date(1871, 1, 18)},
        {"code": "FR", "name": "France", "founded": None},
        {"code": "NL", "name": "Netherlands", "founded": dt.date(1815, 3, 16)},
    ],
    "ports": [
        _port("DEBRV", "Bremerhaven", "DE", depth=12.5, kind="medium", tags=["fish", "cars"],
              facts={"cranes": 7, "berths": [{"name": "north"}, {"name": "south"}], "open": True}, earnings=500),
        _port("DEHAM", "Hamburg", "DE", depth=15.1, kind="large", tags=["river", "a b", "c,d"],
              facts={"cranes": 80, "pi": 3.14, "none": None}, earnings=9000),
        _port("FRLEH", "Le Havre", "FR", depth=17.0, kind="large", tags=[], facts={}),
        _port("FRSML", "saint-malo", "FR", depth=0.30000000000000004, kind="small"),
        _port("NLRTM", "Rotterdam", "NL", depth=24.0, kind="large", tags=["river", "oil"],
              facts={"cranes": 120}),
        _port("XXNOW", "100% Nowhere_\\", None),
    ],
    "ships": [
        {"id": 1, "name": "Anna", "home_code": "DEHAM", "tons": 500, "flag": "red", "built": 1999, "rating": 5},
        {"id": 2, "name": "Berta", "home_code": "DEHAM", "tons": 300, "flag": None, "built": 1950, "rating": 2},
        {"id": 3, "name": "Clara", "home_code": "NLRTM", "tons": 900, "flag": "plain", "built": None,
         "rating": None},
        {"id": 4, "name": "Dora", "home_code": None, "tons": 100, "flag": "plain", "built": 2020, "rating": 1},
    ],
    "papers": [{"id": 1, "ship_id": 1, "number": "P-1"}, {"id": 2, "ship_id": 3, "number": "P-3"}],
    "sailors": [
        {"id": 1, "name": "Old Tom", "mentor_id": None},
        {"id": 2, "name": "Pia", "mentor_id": 1},
        {"id": 3, "name": "Quinn", "mentor_id": 1},
        {"id": 4, "name": "Rosa", "mentor_id": 2},
    ],
    "crews": [
        {"ship_id": 1, "sailor_id": 1, "duty": "captain"},
        {"ship_id": 1, "sailor_id": 2, "duty": "cook"},
        {"ship_id": 2, "sailor_id": 2, "duty": None},
        {"ship_id": 3, "sailor_id": 4, "duty": "captain"},
    ],
    "favourites": [
        {"sailor_id": 1, "port_code": "DEHAM"},
        {"sailor_id": 1, "port_code": "NLRTM"},
        {"sailor_id": 2, "port_code": "NLRTM"},
    ],
    "berths": [
        {"port_code": "DEHAM", "number": 1, "length": 200},
        {"port_code": "DEHAM", "number": 2, "length": 300},
        {"port_code": "NLRTM", "number": 1, "length": None},
    ],
    "moorings": [
        {"id": 1, "port_code": "DEHAM", "berth_number": 2, "ship_id": 1},
        {"id": 2, "port_code": "NLRTM", "berth_number": 1, "ship_id": 3},
    ],
    "voyages": [
        _voyage(1, ALICE, "DEHAM", "NLRTM", True, cost=Decimal("100.50"), title="summer", rank=1,
                starts_at=dt.datetime(2026, 6, 1, 8, 30, tzinfo=dt.UTC)),
        _voyage(2, ALICE, "DEHAM", None, False, cost=Decimal("7.00"), title="alices secret", rank=2),
        _voyage(3, BOB, "NLRTM", "FRLEH", True, cost=Decimal("55.55"), title="bobs tour",
                starts_at=dt.datetime(2026, 7, 1, tzinfo=dt.UTC)),
        _voyage(4, BOB, "FRLEH", "DEHAM", False, cost=Decimal("999.99"), title="bobs secret"),
    ],
    "stops": [
        {"id": 1, "voyage_id": voyage_id(1), "port_code": "DEBRV", "note": "public stop"},
        {"id": 2, "voyage_id": voyage_id(2), "port_code": "DEBRV", "note": "alices private stop"},
        {"id": 3, "voyage_id": voyage_id(4), "port_code": "NLRTM", "note": "bobs private stop"},
    ],
    "letters": [{"id": 1, "words": "for editors only"}],
    "vaults": [{"id": 1, "port_code": "DEHAM", "gold": 777777}],
    "unruled_things": [{"id": 1, "port_code": "DEHAM"}],
    "specimens": [],
}  # fmt: skip
