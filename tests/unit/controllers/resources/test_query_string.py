"""Query strings: structure apart from literals, reserved keys, embeds, encodings and limits."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backstay.controllers.resources.query_string import ParsedQuery, QueryStringParser
from backstay.controllers.resources.shape_cache import ShapeCache
from backstay.errors import BackstayError
from backstay.models.resources.request import (
    AllColumns,
    ColumnPath,
    Embed,
    EmbedFilter,
    Filter,
    IsValue,
    JsonStep,
    Logic,
    Operator,
    Order,
    Query,
    SelectColumn,
)


def parse(raw: str | bytes) -> ParsedQuery:
    return QueryStringParser().parse(raw.encode() if isinstance(raw, str) else raw)


def refusal(raw: str | bytes) -> BackstayError:
    with pytest.raises(BackstayError) as caught:
        parse(raw)
    return caught.value


def column(name: str) -> SelectColumn:
    return SelectColumn(ColumnPath(name))


def embed_of(query: Query, label: str) -> Embed:
    return next(item for item in query.select if isinstance(item, Embed) and item.label == label)


def test_structure_holds_slots_and_the_literals_travel_beside_it() -> None:
    parsed = parse("limit=50&icao=eq.EDDF&select=icao,name&runways=gt.2&offset=10&order=name")
    assert parsed.values == ("EDDF", "2", 50, 10)
    assert parsed.query == Query(
        select=(column("icao"), column("name")),
        where=(
            Filter(ColumnPath("icao"), Operator.EQ, 0),
            Filter(ColumnPath("runways"), Operator.GT, 1),
        ),
        order=(Order(ColumnPath("name")),),
        limit=2,
        offset=3,
    )


def test_other_literals_give_the_identical_structure() -> None:
    parser = QueryStringParser()
    one = parser.parse(b"icao=eq.EDDF&id=in.(1,2)&or=(a.eq.1,b.in.(x))&limit=50")
    two = parser.parse(b"icao=eq.LFPG&id=in.()&or=(a.eq.%22z%22,b.in.(x,y,z))&limit=0")
    assert one.query is two.query
    assert one.shape_hash == two.shape_hash
    assert one != two


def test_the_place_of_reserved_keys_and_spaces_make_no_other_structure() -> None:
    parser = QueryStringParser()
    one = parser.parse(b"select=icao,name&icao=eq.EDDF&limit=5&order=name.asc")
    two = parser.parse(b"limit=5&order=name.asc&icao=eq.EDDF&select=icao,%20name")
    assert one.query is two.query
    assert one == two
    assert hash(one) == hash(two)


def test_nothing_asked_is_every_column_and_no_values() -> None:
    for raw in ("", "&", "&&"):
        assert parse(raw) == ParsedQuery(Query(), (), None, (), 0)


def test_empty_select_selects_nothing() -> None:
    assert parse("select=").query.select == ()


def test_same_key_twice_is_two_conditions() -> None:
    parsed = parse("age=gte.18&age=lt.65")
    assert [item.operator for item in parsed.query.where if isinstance(item, Filter)] == ["gte", "lt"]
    assert parsed.values == ("18", "65")


def test_json_path_in_a_filter_key() -> None:
    where = parse("data->a->>0=eq.x").query.where
    path = ColumnPath("data", (JsonStep("a", as_text=False), JsonStep(0, as_text=True)))
    assert where == (Filter(path, Operator.EQ, 0),)


def test_quoted_names_may_be_reserved_words_and_hold_dots() -> None:
    parsed = parse('"order"=eq.1&"a.b"=eq.2&"select"=eq.3')
    assert [item.column.name for item in parsed.query.where if isinstance(item, Filter)] == [
        "order",
        "a.b",
        "select",
    ]


def test_columns_and_on_conflict_are_lists_of_names() -> None:
    parsed = parse('columns="a","b c",a&on_conflict=id,code')
    assert parsed.columns == ("a", "b c")
    assert parsed.on_conflict == ("id", "code")
    assert parse("a=eq.1").columns is None


def test_percent_is_decoded_once_and_plus_is_a_space() -> None:
    assert parse("a=eq.x%2By+z%2541").values == ("x+y z%41",)
    assert parse("a=eq.b%26c%3Dd").values == ("b&c=d",)
    assert parse("a=eq.%C3%A9%00").values == ("é\x00",)
    assert parse("select=a%2Cb").query.select == (column("a"), column("b"))


@pytest.mark.parametrize(
    "raw",
    [
        b"a=eq.%", b"a=eq.%4", b"a=eq.%zz", b"a=eq.%+4", b"a=eq.%C3", b"a=eq.%ED%A0%80", b"a=eq.\xff",
        b"a=eq.%C0%80", b"%00=eq.1", b"a%00=eq.1", b"%22a%00%22=eq.1", b"select=a%00", b"select=%22a%0A%22",
        b"order=%22%7F%22", b"columns=%22%00%22", b"on_conflict=a%01",
    ],
)  # fmt: skip
def test_bad_encodings_and_control_characters_in_names_are_refused(raw: bytes) -> None:
    assert refusal(raw).code == "PGRST100"


@pytest.mark.parametrize(
    "raw",
    [
        "a", "a=", "=eq.1", "a=5", "a=eq", "a=foo.1", "a=not.not.eq.1", "a=EQ.1", "a=eq(some).{1}", "a=eq(any).1",
        "a=neq(any).{1}", "a=eq(any).{a,,b}", "a=eq(any).{a", "a=eq(any).{a}b", "a=eq(any).{{a}}", "a=in.1",
        "a=in.(1", "a=in.(1)2", "a=is.5", "a=is.nullx", "a=is.null.", "a=fts().x", "a=fts(a-b).x", "a.=eq.1",
        ".a=eq.1", "a..b=eq.1", "a->=eq.1", "a->>b.c=eq.1", "a->99999999999=eq.1", '"a=eq.1', '""=eq.1',
        "select=,", "select=a,", "select=a b(", "select=a(b", "select=a)", "select=a:b:c", "select=a::",
        "select=a!x", "select=a!x!y!inner(b)", "select=a.b", "select=x:*", "select=a->", "select=a-",
        "order=", "order=a,", "order=a.up", "order=a.desc.asc", "order=a.nullsfirst.desc", "order=a(b",
        "order=a.desc.nullslast.x", "order=a.descx", ".order=a", "and=", "and=()", "and=(a.eq.1", "and=(a.eq.1)x",
        "and=(a.eq.1,)", "and=(a)", "or=a.eq.1", "or=(a.b.eq.1)", "or=(not(a.eq.1))", "or=(a.eq.{1)",
        'or=(a.cs.{"b)', "columns=", "on_conflict=", "columns=a,,b", "limit=", "limit=a", "limit=1.5",
        "limit=+1", "limit=9223372036854775808", "limit=1e3", "limit=%D9%A1", "offset=0x1", "limit=" + "0" * 20,
    ],
)  # fmt: skip
def test_what_is_not_in_the_grammar_is_refused(raw: str) -> None:
    error = refusal(raw)
    assert error.code == "PGRST100"
    assert error.message.startswith("failed to parse ")
    assert isinstance(error.details, str)
    assert error.details.startswith("expected ")


def test_the_offending_text_is_shortened() -> None:
    error = refusal("a=" + "x" * 5000)
    assert error.message == f"failed to parse filter ({'x' * 100}…)"
    assert error.details == "expected an operator (eq, gt, in, is, ...) and a dot at position 1"


@pytest.mark.parametrize(
    "raw", ["select=a&select=b", "limit=1&limit=1", "offset=1&offset=2", "order=a&order=b", "columns=a&columns=a",
            "select=r(a)&r.order=a&r.order=b", "select=r(a)&r.limit=1&r.limit=2", "on_conflict=a&on_conflict=b"]
)  # fmt: skip
def test_a_reserved_key_stands_once_at_each_level(raw: str) -> None:
    assert refusal(raw).code == "PGRST100"


@pytest.mark.parametrize("raw", ["limit=-1", "offset=-5", "select=r(a)&r.limit=-1"])
def test_negative_windows_are_a_range_error(raw: str) -> None:
    error = refusal(raw)
    assert error.code == "PGRST103"
    assert error.message == "Requested range not satisfiable"
    assert str(error.details).endswith("should be greater than or equal to zero.")


def test_the_largest_window_and_zero_are_legal() -> None:
    assert parse("limit=0&offset=9223372036854775807").values == (0, 9223372036854775807)


def test_filters_orders_and_windows_go_to_the_embed_at_their_path() -> None:
    parsed = parse(
        "select=id,roles(name,players:actors(*))&roles.players.name=like.A*&roles.players.order=born.desc"
        "&roles.players.limit=3&roles.players.offset=1&roles.not.or=(name.eq.x,name.eq.y)&id=eq.1"
    )
    assert parsed.values == ("A*", "x", "y", "1", 3, 1)
    roles = embed_of(parsed.query, "roles")
    players = embed_of(roles.query, "players")
    assert players.query == Query(
        (AllColumns(),),
        (Filter(ColumnPath("name"), Operator.LIKE, 0),),
        (Order(ColumnPath("born"), descending=True),),
        limit=4,
        offset=5,
    )
    (tree,) = roles.query.where
    assert isinstance(tree, Logic)
    assert tree.negated
    assert not tree.conjunction
    assert parsed.query.where == (Filter(ColumnPath("id"), Operator.EQ, 3),)


def test_a_name_that_is_not_embedded_is_refused() -> None:
    for raw in (
        "actors.name=eq.x",
        "actors.order=name",
        "actors.limit=1",
        "actors.or=(a.eq.1)",
        "order=actors(a)",
    ):
        error = refusal(raw)
        assert error.code == "PGRST108"
        assert error.message == "'actors' is not an embedded resource in this request"
        assert error.hint == "Verify that 'actors' is included in the 'select' query parameter."


def test_an_aliased_embed_is_not_known_by_its_table() -> None:
    error = refusal("select=a:actors(name)&actors.name=eq.x")
    assert error.code == "PGRST108"
    assert error.details == "Target names are not allowed in filters if they have an alias"
    assert error.hint == "Change 'actors' to 'a' in filters, orders or limits."


def test_null_filters_on_embeds_ask_whether_they_are_empty() -> None:
    parsed = parse("select=r(),s(t())&r=is.null&s=not.is.null&s.t=is.NULL&or=(r.is.not_null,a.is.null)")
    assert parsed.values == ()
    assert parsed.query.where == (
        EmbedFilter("r", empty=True),
        EmbedFilter("s", empty=False),
        Logic(
            conjunction=False,
            items=(
                EmbedFilter("r", empty=False),
                Filter(ColumnPath("a"), Operator.IS, is_value=IsValue.NULL),
            ),
        ),
    )
    assert embed_of(parsed.query, "s").query.where == (EmbedFilter("t", empty=True),)


@pytest.mark.parametrize("raw", ["r=eq.1", "r=is.true", "r=in.(1)", "or=(a.eq.1,r.eq.1)", "r=not.is.false"])
def test_other_operators_on_embeds_are_refused(raw: str) -> None:
    error = refusal("select=r(*)&" + raw)
    assert error.code == "PGRST120"
    assert error.message == "Bad operator on the 'r' embedded resource"
    assert error.details == "Only is null or not is null filters are allowed on embedded resources"


def test_nesting_and_item_counts_are_limited() -> None:
    parse("select=" + "a(" * 19 + "b" + ")" * 19)
    assert refusal("select=" + "a(" * 20 + "b" + ")" * 20).code == "54000"
    parse("and=" + "(and" * 19 + "(a.eq.1)" + ")" * 19)
    assert refusal("and=" + "(and" * 20 + "(a.eq.1)" + ")" * 20).code == "54000"
    assert refusal("select=" + ",".join(["a"] * 1001)).code == "54000"
    assert refusal("order=" + ",".join(["a"] * 1001)).code == "54000"
    assert refusal("or=(" + ",".join(["a.eq.1"] * 1001) + ")").code == "54000"
    assert refusal("&".join(["a=eq.1"] * 1001)).code == "54000"
    assert refusal("a" + "->b" * 21 + "=eq.1").code == "54000"
    assert refusal(".".join(["a"] * 50) + "=eq.1").code == "54000"
    assert refusal("select=" + "a(" * 100_000).code == "54000"


@pytest.mark.parametrize(
    "unit",
    [
        '"',
        '\\"',
        '"\\',
        "(",
        "{",
        '{"',
        '"a",',
        "%25",
        "-",
        "->",
        ".",
        "a.eq.",
        '"a,',
        "not.",
        "and(",
        "[",
        " ",
    ],
)
@pytest.mark.parametrize("frame", ["a=in.({})", "a=in.({}", "or=(a.eq.{})", "or=({})", "select={}", "{}=eq.1", "order={}",
                                   "a=eq(any).{{{}}}", "or=(a.cs.{{{}}})"])  # fmt: skip
def test_time_grows_linearly_with_hostile_text(frame: str, unit: str) -> None:
    started = time.perf_counter()
    for _ in range(2):
        try:
            parse(frame.format(unit * 50_000))
        except BackstayError:
            continue
    # Linear parsing takes some 30 ms at worst; a quadratic one would take minutes.
    assert time.perf_counter() - started < 2


def test_literals_never_enter_the_cache_and_the_cache_is_bounded() -> None:
    parser = QueryStringParser(cache_size=10)
    for number in range(200):
        parser.parse(f"icao=eq.{number}&limit={number}".encode())
    assert len(parser._structures) == 1
    for number in range(200):
        parser.parse(f"c{number}=eq.1".encode())
    assert len(parser._structures) == 10
    assert len(parser._queries) == 10
    large = ("select=" + ",".join("abcdefgh" for _ in range(500))).encode()
    assert len(parser.parse(large).query.select) == 500
    assert len(parser._structures) == 10


def test_the_least_recently_used_shape_leaves_first() -> None:
    cache: ShapeCache[str, int] = ShapeCache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)
    cache.put("d", 4, weight=2)
    assert (len(cache), cache.get("d")) == (1, 4)


_FRAGMENTS = st.sampled_from(
    [b"select=", b"order=", b"limit=", b"and=", b"or=(", b"not.", b"a", b".", b"eq.", b"in.(", b")", b"(", b",", b"{",
     b"}", b'"', b"\\", b"->", b"->>", b"::", b":", b"!inner", b"*", b"&", b"=", b"%22", b"%", b"+", b"is.null", b"-1",
     b"like(any).", b"r(", b"...", b"count()", b".sum()", b"\xc3\xa9", b"%00", b" "]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=80), st.lists(_FRAGMENTS, max_size=25).map(b"".join)))
@example(b"a=eq.%ED%A0%80")
def test_any_bytes_parse_or_are_refused_by_the_catalogue(raw: bytes) -> None:
    parser = QueryStringParser(cache_size=4)
    code = "accepted"
    try:
        first = parser.parse(raw)
    except BackstayError as error:
        code = error.code
    else:
        assert parser.parse(raw) == first
        assert parser.parse(raw).query is first.query
    assert code in {
        "accepted",
        "PGRST100",
        "PGRST103",
        "PGRST108",
        "PGRST120",
        "PGRST123",
        "PGRST127",
        "54000",
    }
