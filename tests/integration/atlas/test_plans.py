"""Which statements PostgreSQL plans once, asked of the server after they ran often enough for it to decide."""

from __future__ import annotations

import pytest

from backstay.app import Backstay
from backstay.repositories.database import Statement
from backstay.testing import Door

pytestmark = pytest.mark.asyncio(loop_scope="session")

COUNTS = (
    "SELECT sum(generic_plans)::int, sum(custom_plans)::int FROM pg_prepared_statements"
    " WHERE statement LIKE '%planned_' || $1 || '%'"
)
# Each of these shows a column under a name of its own, by which its statement is found.
ALONG_THE_KEY = {
    "all": "select=planned_all:icao&limit=50",
    "after": "select=planned_after:icao&icao=gt.{icao}&order=icao&limit=50",
    "before": "select=planned_before:icao,countries(name)&icao=lt.{icao}&order=icao.desc&limit=50",
}


@pytest.mark.parametrize("name", ALONG_THE_KEY)
async def test_a_page_along_the_key_is_planned_for_all_values_after_five_times(
    atlas: Backstay, anonymous: Door, name: str
) -> None:
    for icao in ("AYGA", "EDDF", "KSFO", "LOWW", "YSSY", "ZBAA", "EFHK", "FAOR"):
        answer = await anonymous.get("/rest/v1/airports?" + ALONG_THE_KEY[name].format(icao=icao))
        assert len(answer.json()) > 0, answer.text
    if atlas.database.engine == "postgresql":
        ((generic, custom),) = await atlas.database.read(Statement(COUNTS, (name,)))
        assert (generic, custom) == (3, 5)


async def test_a_search_is_planned_for_its_words_each_time(atlas: Backstay, anonymous: Door) -> None:
    """One plan for all words would walk along the key, 160 ms for a word that one airport has."""
    for word in ("keflavik", "vienna", "international", "nothing", "a:*", "munich", "airport", "heathrow"):
        answer = await anonymous.get(
            f"/rest/v1/airports?select=planned_search:icao&search=fts.{word}&limit=50"
        )
        assert answer.status_code == 200, answer.text
        assert (len(answer.json()) > 0) is (word != "nothing")
    if atlas.database.engine == "postgresql":
        ((generic, custom),) = await atlas.database.read(Statement(COUNTS, ("search",)))
        assert (generic, custom) == (0, 8)


@pytest.mark.parametrize("order", ["icao", "icao.desc"])
@pytest.mark.parametrize(("limit", "shown"), [(0, 0), (1, 1), (7, 7), (1000, 1000), (5000, 1000)])
async def test_a_page_along_the_key_has_the_rows_that_all_have_in_their_order(
    anonymous: Door, order: str, limit: int, shown: int
) -> None:
    bound = "gt" if order == "icao" else "lt"
    page = await anonymous.get(f"/rest/v1/airports?select=icao&icao={bound}.LOWW&order={order}&limit={limit}")
    codes = [row["icao"] for row in page.json()]
    assert len(codes) == len(set(codes)) == shown
    assert codes == sorted(codes, reverse=order != "icao")
    assert all(code > "LOWW" if order == "icao" else code < "LOWW" for code in codes)
    if shown:
        nearest = await anonymous.get(
            f"/rest/v1/airports?select=icao&icao={bound}.LOWW&order={order}&offset=0"
        )
        assert codes == [row["icao"] for row in nearest.json()][:shown]
