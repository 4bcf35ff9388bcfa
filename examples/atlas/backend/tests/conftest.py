"""The application on an empty database with one airport, and the ways into it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from backstay import Backstay
from backstay.testing import Doors, doors_of

AUSTRIA = {"code": "AT", "alpha3": "AUT", "name": "Austria"}
VIENNA = {
    "icao": "LOWW",
    "name": "Vienna",
    "country_code": "AT",
    "lat": 48.1,
    "lon": 16.6,
    "tz": "Europe/Vienna",
}


@pytest.fixture
async def doors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Doors]:
    monkeypatch.setenv("BACKSTAY_DATA_FOLDER", str(tmp_path))
    app = Backstay("backend")
    await app.migrations.up()
    async with doors_of(app) as doors:
        editor = await doors.user("eve@example.com", roles=["editor"])
        for table, row in (("countries", AUSTRIA), ("airports", VIENNA)):
            answer = await editor.post(f"/rest/v1/{table}", json=row)
            assert answer.status_code == 201, answer.text
        yield doors
