"""`postgrest` and `supabase_functions` from PyPI, as they are published, call actions of the application in-process."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from postgrest import AsyncPostgrestClient
from postgrest.exceptions import APIError
from supabase_functions import AsyncFunctionsClient
from supabase_functions.errors import FunctionsHttpError, FunctionsRelayError

from tests.api.harbour import PUBLISHABLE_KEY, Harbour
from tests.api.seed import ALICE
from tests.callers import CallerClient

pytestmark = [
    # The clients' own warnings, about the HTTP library beneath them.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

ADDRESS = "http://127.0.0.1"


def headers_of(app: Harbour) -> dict[str, str]:
    return {"apikey": PUBLISHABLE_KEY, "Authorization": f"Bearer {app.app.tokens.mint(ALICE)}"}


def http(app: Harbour) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app.app), base_url=f"{ADDRESS}/rest/v1")


def test_postgrest_py_calls_actions_and_reads_their_rows(app: Harbour, alice: CallerClient) -> None:
    for name, height in (("a", 1), ("b", 3), ("c", 2)):
        alice.post("/rest/v1/trees", {"name": name, "height": height})

    async def work() -> None:
        client = AsyncPostgrestClient(f"{ADDRESS}/rest/v1", headers=headers_of(app), http_client=http(app))

        async def called(name: str, arguments: dict[str, Any], **options: Any) -> Any:
            return (await client.rpc(name, arguments, **options).execute()).data

        assert (await called("tools.echo", {"text": "ä"}))["text"] == "ä"
        assert await called("tools.add", {"numbers": "{1,2}"}, get=True) == 3
        assert await called("tools.names", {}) == ["a", "b"]
        rows = (
            await client.rpc("trees.tallest", dict[str, Any](least=2))
            .select("name")
            .lt("height", 9)
            .limit(1)
            .execute()
        )
        assert rows.data == [{"name": "b"}]
        one: Any = await client.rpc("trees.tallest", {}).eq("name", "c").single().execute()
        assert one.data["height"] == 2
        with pytest.raises(APIError) as raised:
            await called("tools.ech", {"text": "x"})
        assert raised.value.code == "PGRST202"
        with pytest.raises(APIError) as raised:
            await called("tools.note", {"words": "x", "then": "refuse"})
        assert (raised.value.code, raised.value.message) == ("too_tall", "No room for this.")

    app.run(work())


def test_functions_py_invokes_actions_and_tells_refusals_apart(app: Harbour) -> None:
    async def work() -> None:
        client = AsyncFunctionsClient(f"{ADDRESS}/functions/v1", headers_of(app), http_client=http(app))
        echoed = await client.invoke("tools.echo", {"body": {"text": "x"}, "responseType": "json"})
        assert isinstance(echoed, dict)
        assert echoed["text"] == "x"
        assert await client.invoke("tools.add?numbers=1&numbers=2", {"method": "GET"}) == b"3.0"
        assert await client.invoke("tools.lines", {"body": {"count": 2}}) == b"0\n1\n"
        with pytest.raises(FunctionsRelayError):
            await client.invoke("tools.nothing", {"body": {}})
        with pytest.raises(FunctionsHttpError):
            await client.invoke("tools.note", {"body": {"words": "x", "then": "refuse"}})

    app.note_change()
    app.run(work())
