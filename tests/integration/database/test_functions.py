"""What SQLite is taught answers as PostgreSQL does."""

from __future__ import annotations

import json
import math
import random
import struct
from pathlib import Path
from time import perf_counter

import pytest
from sqlalchemy import Column, Float, Integer, MetaData, Table, func, select

from backstay.config.database import DatabaseSettings
from backstay.models.catalog_reading import read_catalog
from backstay.repositories.database import Database, Statement
from backstay.repositories.database.sqlite import SqliteDatabase
from backstay.repositories.database.sqlite_functions import compare_decimals, float_text
from backstay.repositories.resources.sqlite_dialect import SqliteDialect
from tests.api.models import Port
from tests.integration.database.statements import code_of, one, statement

NUMBERS = [
    "0",
    "-0",
    "0.0",
    "1",
    "1.0",
    "1.00",
    "-1",
    "10",
    "9",
    "9.999999999999999999999999999999",
    "1e3",
    "NaN",
]
NUMBERS += [
    "-9.5",
    "-10",
    "123456789012345678901234567890.1",
    "123456789012345678901234567890.2",
    "0.1",
    "0.10",
]


async def test_decimals_sort_and_compare_by_value(database: Database) -> None:
    kind = "numeric" if database.engine == "postgresql" else "TEXT COLLATE backstay_decimal"
    await database.write(one(database, f"CREATE TABLE n (position INTEGER, value {kind})"))
    values = ", ".join(f"({position}, '{number}')" for position, number in enumerate(NUMBERS))
    await database.write(one(database, f"INSERT INTO n VALUES {values}"))
    rows = await database.read(Statement("SELECT position FROM n ORDER BY value, position"))
    in_order = [NUMBERS[row[0]] for row in rows]
    assert in_order == [
        "-10", "-9.5", "-1", "0", "-0", "0.0", "0.1", "0.10", "1", "1.0", "1.00", "9",
        "9.999999999999999999999999999999", "10", "1e3",
        "123456789012345678901234567890.1", "123456789012345678901234567890.2", "NaN",
    ]  # fmt: skip
    equal = await database.read(Statement("SELECT count(*) FROM n WHERE value = '1.000'"))
    assert equal[0][0] == 3
    distinct = await database.read(Statement("SELECT count(DISTINCT value) FROM n"))
    assert distinct[0][0] == len(NUMBERS) - 5


def test_any_text_has_one_place_in_the_decimal_order() -> None:
    texts = [
        *NUMBERS,
        "",
        "abc",
        "sNaN",
        "Infinity",
        "-Infinity",
        "1e999999999999999999999",
        "1_000",
        " 1",
        "١",
        "\0",
    ]
    random.Random(7).shuffle(texts)
    for one_text in texts:
        for other in texts:
            assert compare_decimals(one_text, other) == -compare_decimals(other, one_text)
            for third in texts:
                if compare_decimals(one_text, other) <= 0 and compare_decimals(other, third) <= 0:
                    assert compare_decimals(one_text, third) <= 0


JSON_PAIRS = [
    ('{"a": 1, "b": {"c": [1, 2]}}', '{"b": {"c": [2]}}'),
    ('{"a": 1}', '{"a": 1.0}'),
    ('{"a": 1}', '{"a": true}'),
    ('{"a": 1}', '{"a": "1"}'),
    ('{"a": null}', '{"a": null}'),
    ('{"a": 1}', '{"a": null}'),
    ('{"a": 1}', "{}"),
    ("[1, 2, 3]", "[3, 1, 1]"),
    ("[1, 2, [1, 3]]", "[1, 3]"),
    ("[1, 2, [1, 3]]", "[[3]]"),
    ('["foo", "bar"]', '"bar"'),
    ('"bar"', '["bar"]'),
    ('[["bar"]]', '"bar"'),
    ('[["bar"]]', '["bar"]'),
    ("[]", "[]"),
    ("[]", "{}"),
    ("{}", "[]"),
    ('[{"a": 1, "b": 2}, {"c": 3}]', '[{"a": 1}]'),
    ('[{"a": 1, "b": 2}, {"c": 3}]', '[{"a": 1, "c": 3}]'),
    ('{"a": [1]}', '{"a": 1}'),
    ("null", "null"),
    ("[null]", "null"),
    ("12345678901234567890.10", "12345678901234567890.1"),
    ("0", "false"),
    ('{"a": {"b": {}}}', '{"a": {}}'),
    ('"ü"', '"\\u00fc"'),
]


@pytest.mark.parametrize(("container", "contained"), JSON_PAIRS)
async def test_json_containment_is_that_of_jsonb(database: Database, container: str, contained: str) -> None:
    """Each engine against the same table of answers, which PostgreSQL gave."""
    sql = {
        "postgresql": "SELECT CAST(? AS jsonb) @> CAST(? AS jsonb)",
        "sqlite": "SELECT backstay_json_contains(?, ?)",
    }[database.engine]
    rows = await database.read(statement(database, sql, container, contained))
    assert bool(rows[0][0]) is (JSON_PAIRS.index((container, contained)) in CONTAINED)


CONTAINED = {0, 1, 4, 6, 7, 9, 10, 14, 17, 20, 21, 22, 24, 25}

ARRAYS = [
    ("[1, 2, 3]", "[3, 1]", True, True),
    ("[1, 2, 3]", "[4]", False, False),
    ("[1, 2, 3]", "[3, 4]", False, True),
    ("[1, null]", "[null]", False, False),
    ("[1, 2]", "[]", True, False),
    ("[]", "[]", True, False),
    ("[1]", "[1, 1, 1]", True, True),
]


@pytest.mark.parametrize(("left", "right", "contains", "overlaps"), ARRAYS)
async def test_arrays_contain_and_overlap_alike(
    database: Database, left: str, right: str, contains: bool, overlaps: bool
) -> None:
    if database.engine == "postgresql":
        first, second = (text.replace("[", "{").replace("]", "}") for text in (left, right))
        sql = f"SELECT '{first}'::int[] @> '{second}'::int[], '{first}'::int[] && '{second}'::int[]"
    else:
        sql = f"SELECT backstay_array_contains('{left}', '{right}'), backstay_array_overlaps('{left}', '{right}')"
    rows = await database.read(Statement(sql))
    assert (bool(rows[0][0]), bool(rows[0][1])) == (contains, overlaps)


async def test_floats_are_written_as_postgresql_writes_them(database: Database) -> None:
    if database.engine != "postgresql":
        pytest.skip("compares with PostgreSQL")
    seeded = random.Random(11)
    numbers = [0.0, -0.0, 1.0, 0.1, 1e15, 1e14, 123456789012345.6, 1e-4, 1e-5, 1e22, 1e16, -1e15, 5e-324]
    numbers += [1.7976931348623157e308, 1234567890123456.7, 999999999999999.9, 100.0, 1e100, float("inf")]
    numbers += [struct.unpack("d", seeded.randbytes(8))[0] for _ in range(300)]
    numbers += [seeded.uniform(-1, 1) * 10 ** seeded.randint(-6, 25) for _ in range(3000)]
    numbers += [float(seeded.getrandbits(60)) for _ in range(3000)]
    rows = await database.read(
        Statement(
            "SELECT to_json(n)::text FROM unnest($1::float8[]) WITH ORDINALITY AS u (n, i) ORDER BY i",
            (numbers,),
        )
    )
    assert [float_text(number) for number in numbers] == [row[0] for row in rows]


async def test_a_column_of_floats_is_shown_as_postgresql_writes_them(database: Database) -> None:
    if database.engine != "sqlite":
        pytest.skip("SQLite writes floats in its own way")
    seeded = random.Random(12)
    decimals = [seeded.randint(-(10**10), 10**10) / 10 ** seeded.randint(0, 9) for _ in range(3000)]
    numbers = [*decimals, *(math.nextafter(number, math.inf) for number in decimals)]
    numbers += [0.0, 0.0001, -0.0001, 0.00005, 0.3, 1e9, 1e9 + 0.5, 1e13 + 0.0625, 5e-324, 1e308, math.inf]
    table = Table("shown", MetaData(), Column("place", Integer), Column("value", Float))
    await database.write(one(database, "CREATE TABLE shown (place INTEGER, value FLOAT)"))
    into = (
        "INSERT INTO shown SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)"
    )
    lines = ",".join(f"[{place},{number!r}]" for place, number in enumerate(numbers)).replace("inf", "9e999")
    await database.write(one(database, into, f"[{lines}]"))
    field = read_catalog((Port,)).resources["ports"].fields["depth"]
    shown = SqliteDialect().shown(table.c.value, field.kind, field)
    rows = await database.read(Statement(str(select(func.json_array(shown)).order_by(table.c.place))))
    assert [row[0] for row in rows] == [f"[{float_text(number)}]" for number in numbers]


async def test_patterns_match_as_on_postgresql(database: Database) -> None:
    match = {
        "postgresql": ("? ~ ?", "? ~* ?"),
        "sqlite": ("backstay_regexp(?2, ?1)", "backstay_iregexp(?2, ?1)"),
    }
    cases = [
        ("abc", "b", 1, 1),
        ("abc", "B", 0, 1),
        ("abc", "^b", 0, 0),
        ("a\nb", "a.b", 1, 1),
        ("ü", "^.$", 1, 1),
    ]
    cases += [("a\nb", "^b", 0, 0), ("abc\n", "c$", 0, 0), ("", "^$", 1, 1), ("aab", "^(a|b)+$", 1, 1)]
    for text, pattern, plain, folded in cases:
        for sql, expected in zip(match[database.engine], (plain, folded), strict=True):
            sql = sql.replace("? ", "CAST(? AS text) ") if database.engine == "postgresql" else sql
            rows = await database.read(statement(database, f"SELECT {sql}", text, pattern))
            assert bool(rows[0][0]) is bool(expected), (text, pattern, sql)


async def test_an_invalid_pattern_is_refused(database: Database) -> None:
    sql = "SELECT backstay_regexp('(', 'a')" if database.engine == "sqlite" else "SELECT 'a' ~ '('"
    assert await code_of(database.read(Statement(sql))) == "2201B"


@pytest.fixture
async def sqlite(tmp_path: Path):  # type: ignore[no-untyped-def]
    database = SqliteDatabase(DatabaseSettings(statement_timeout_seconds=0.5), tmp_path / "a.db")
    await database.open()
    yield database
    await database.close()


async def test_patterns_that_explode_elsewhere_take_linear_time(sqlite: SqliteDatabase) -> None:
    start = perf_counter()
    for pattern in ("(a+)+$", "(a|aa)+$", "(a*)*b", "(.*a){20}$", "^(([a-z])+.)+[A-Z]([a-z])+$"):
        await sqlite.read(Statement("SELECT backstay_regexp(?, ?)", (pattern, "a" * 20_000 + "!")))
    assert perf_counter() - start < 1
    assert await code_of(sqlite.read(Statement("SELECT backstay_regexp('(x{1000}){1000}', 'x')"))) == "2201B"


async def test_comparing_documents_stops_at_a_bound(sqlite: SqliteDatabase) -> None:
    many = json.dumps([{"a": number} for number in range(5000)])
    none = json.dumps([{"a": 4999}] * 2000)
    deep = "[" * 100_000 + "]" * 100_000
    start = perf_counter()
    codes = [
        await code_of(sqlite.read(Statement("SELECT backstay_json_contains(?, ?)", (many, none)))),
    ]
    rows = await sqlite.read(Statement("SELECT backstay_json_contains(?, ?)", (deep, deep)))
    rows += await sqlite.read(Statement("SELECT backstay_json_contains('{', '1e999999999999')"))
    rows += await sqlite.read(Statement("SELECT backstay_json_contains('1e999999999', '1')"))
    rows += await sqlite.read(Statement("SELECT backstay_array_contains('3', '[1]')"))
    assert perf_counter() - start < 1.5
    assert codes == ["54000"]
    assert [row[0] for row in rows] == [None, None, 0, None]


async def test_a_function_over_many_rows_is_stopped_in_time(sqlite: SqliteDatabase) -> None:
    document = json.dumps(list(range(20_000)))
    sql = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 5000)"
    start = perf_counter()
    query = f"{sql} SELECT count(*) FROM c WHERE backstay_json_contains(?, x)"
    assert await code_of(sqlite.read(Statement(query, (document,)))) == "57014"
    assert perf_counter() - start < 1.5
