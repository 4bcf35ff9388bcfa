"""The generated Python: read by mypy with the unmodified client, and used by it against the application."""

from __future__ import annotations

import datetime as dt
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import TypeAdapter
from supabase import AsyncClientOptions, acreate_client

from backstay.controllers.openapi.python import build_python
from backstay.models.catalog_reading import read_catalog
from backstay.services.resources.typed import audience_named, typed_catalog
from tests.api.harbour import PUBLISHABLE_KEY, SECRET_KEY, Harbour
from tests.api.models import MODELS
from tests.api.seed import ALICE
from tests.api.typed.documented import ATLAS, compiled_example
from tests.api.typed.functions import FUNCTIONS
from tests.api.typed.odd import odd_catalog

ROWS = Path(__file__).parent / "python" / "rows.py"
CACHE = Path(__file__).parents[3] / ".mypy_cache" / "typed"
SPECIMEN: dict[str, Any] = {
    "text": "a", "short": "b", "choice": "a b", "int16": 1, "int32": 2, "int64": 2**53 + 1, "real": 0.5,
    "money": "12.30", "exact": "0.1", "flag": True, "key": ALICE, "blob": b"\x00\xff", "words": ["a", None],
    "moment": dt.datetime(2026, 6, 1, 8, 30, 0, 120000, tzinfo=dt.UTC), "local": dt.datetime.fromisoformat("2026-06-01T08:00:00"),
    "day": dt.date(2026, 6, 1), "hour": dt.time(8, 30), "data": {"a": [1, None, "x"]}, "numbers": [1, 2],
}  # fmt: skip


def generated(folder: Path) -> list[Path]:
    """The modules of the tests' own tables and of names that are hard to spell, in files."""
    catalog = read_catalog(MODELS)
    typed = {
        "harbour": typed_catalog(catalog, audience_named(catalog, None), FUNCTIONS),
        "odd": odd_catalog(),
    }
    for name, described in typed.items():
        (folder / f"{name}.py").write_text(build_python(described, "backstay generate python"), "utf-8")
    return [folder / f"{name}.py" for name in typed]


def loaded(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"generated_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # Pydantic looks annotations up there.
    spec.loader.exec_module(module)
    return module


def test_mypy_accepts_what_is_right_and_refuses_what_is_wrong(tmp_path: Path) -> None:
    files = generated(tmp_path)
    shutil.copy(ROWS, tmp_path)
    shutil.copy(ATLAS / "database.py", tmp_path)
    (tmp_path / "example.py").write_text(compiled_example("python"), "utf-8")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", CACHE, "rows.py", "example.py", "database.py", *files],
        cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout


def test_the_module_is_laid_out_as_ruff_would(tmp_path: Path) -> None:
    files = generated(tmp_path)
    for words in (["format", "--check"], ["check", "--select", "F,I,UP"]):
        told = subprocess.run(
            [Path(sys.executable).parent / "ruff", *words, "--isolated", "--target-version", "py311", *files],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert told.returncode == 0, told.stdout


@pytest.fixture
def client_of(app: Harbour) -> Callable[..., Awaitable[Any]]:
    """supabase-py's own client, whose requests the application answers in this process."""

    async def client(key: str, token: str | None = None) -> Any:
        transport = httpx.ASGITransport(app.app)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        options = AsyncClientOptions(headers=headers, httpx_client=httpx.AsyncClient(transport=transport))
        return await acreate_client("http://127.0.0.1", key, options=options)

    return client


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_the_client_fetches_validates_and_what_it_sends_is_taken(
    app: Harbour, client_of: Callable[..., Awaitable[Any]], tmp_path: Path
) -> None:
    harbour = loaded(generated(tmp_path)[0])
    app.note_change()

    async def work() -> None:
        service = await client_of(SECRET_KEY)
        sent = harbour.PublicSpecimensInsert(SPECIMEN)
        answer = await service.table("specimens").insert(sent).execute()
        row = harbour.PublicSpecimens.model_validate(answer.data[0]).model_dump(exclude={"id"})
        assert row == {**SPECIMEN, "money": 12.3, "exact": 0.1}
        everything = (await service.table("ports").select("*").execute()).data
        assert [harbour.PublicPorts.model_validate(port).earnings for port in everything][:2] == [500, 9000]

        anonymous = await client_of(PUBLISHABLE_KEY)
        ports = (await anonymous.table("ports").select("*").execute()).data
        assert {harbour.PublicPorts.model_validate(port).earnings for port in ports} == {None}
        assert all("earnings" not in port for port in ports)

        alice = await client_of(PUBLISHABLE_KEY, app.app.tokens.mint(ALICE))
        rows = (await alice.table("voyages").select("*").order("id").execute()).data
        voyages = [harbour.PublicVoyages.model_validate(voyage) for voyage in rows]
        assert [voyage.cost for voyage in voyages] == [100.5, 7.0, None]
        assert all(isinstance(voyage.id, UUID) for voyage in voyages)

    app.run(work())


def test_names_that_python_cannot_spell_are_read_and_sent_as_they_are(tmp_path: Path) -> None:
    odd = loaded(generated(tmp_path)[1])
    columns = odd.PublicOddNamesOf1stInsert.__annotations__
    row = dict.fromkeys(columns) | {
        "id": 1,
        "column whitespace": "a",
        "class": "b",
        "ﬁre": "c",
        "computed": 2,
    }
    read = odd.PublicOddNamesOf1st.model_validate(row)
    assert (read.column_whitespace, read.class_, read.fire) == ("a", "b", "c")
    assert read.model_dump(by_alias=True) == row
    tree = {"from": {"from": None, "any": 1}, "any": [], "pair": ["2026-06-01", 1]}
    assert TypeAdapter(odd.PublicNode).validate_python(tree)["pair"][0] == dt.date(2026, 6, 1)
