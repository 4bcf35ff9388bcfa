"""The `Prefer` header and its echo."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.controllers.resources.prefer import Preferences, PreferParser, applied_header, parse_prefer
from backstay.errors import BackstayError
from backstay.models.resources.request import Conflict, Count


def test_one_header_or_several_say_the_same() -> None:
    expected = Preferences(
        return_="representation", count=Count.EXACT, resolution=Conflict.MERGE, missing="default"
    )
    assert (
        parse_prefer([b"return=representation,count=exact, resolution=merge-duplicates,missing=default"])
        == expected
    )
    assert (
        parse_prefer(
            [b"return=representation", b"count=exact", b"resolution=merge-duplicates", b"missing=default"]
        )
        == expected
    )


def test_the_first_one_wins() -> None:
    assert parse_prefer([b"count=planned, count=exact", b"count=estimated"]).count is Count.PLANNED
    assert parse_prefer([b"return=minimal", b"return=representation"]).return_ == "minimal"


def test_names_in_any_case_quotes_and_parameters_are_understood() -> None:
    assert parse_prefer([b'RETURN = "minimal"; foo=bar ,, count=exact']) == Preferences(
        "minimal", Count.EXACT
    )


def test_the_echo_has_the_order_of_the_protocol() -> None:
    header = (
        b"max-affected=10,timezone=Asia/Tokyo,handling=strict,tx=rollback,count=exact,return=headers-only,"
        b"missing=null,resolution=ignore-duplicates"
    )
    preferences = parse_prefer([header])
    assert applied_header(preferences) == (
        "resolution=ignore-duplicates, missing=null, return=headers-only, count=exact, tx=rollback, handling=strict,"
        " timezone=Asia/Tokyo, max-affected=10"
    )
    assert (preferences.tx, preferences.timezone) == ("rollback", "Asia/Tokyo")
    assert applied_header(preferences, {"count"}) == "count=exact"
    assert applied_header(Preferences()) is None


def test_max_affected_counts_only_when_handling_is_strict() -> None:
    assert parse_prefer([b"max-affected=5"]).max_affected is None
    assert parse_prefer([b"handling=lenient,max-affected=5"]).max_affected is None
    assert parse_prefer([b"handling=strict,max-affected=0"]).max_affected == 0


def test_strict_handling_names_what_is_not_known() -> None:
    with pytest.raises(BackstayError) as caught:
        parse_prefer(
            [b"handling=strict, anything, foo=bar, count=exact, return=all, max-affected=-1, cursor=x"]
        )
    assert caught.value.code == "PGRST122"
    assert caught.value.message == "Invalid preferences given with handling=strict"
    assert caught.value.details == "Invalid preferences: anything, foo=bar, return=all, max-affected=-1"


def test_lenient_handling_and_none_ignore_what_is_not_known() -> None:
    assert parse_prefer([b"foo=bar, count=all"]) == Preferences()
    assert parse_prefer([b"handling=lenient, foo"]) == Preferences(handling="lenient")


def test_a_zone_that_nobody_knows_is_ignored_unless_handling_is_strict() -> None:
    assert parse_prefer([b"timezone=Atlantis/Capital"]) == Preferences()
    for zone in (b"../../etc/passwd", b"/etc/localtime", b"", b"Europe"):
        assert parse_prefer([b"timezone=" + zone]).timezone is None
    with pytest.raises(BackstayError) as caught:
        parse_prefer([b"handling=strict, timezone=Atlantis/Capital"])
    assert caught.value.details == "Invalid preferences: timezone=Atlantis/Capital"


def test_a_remembered_header_is_not_parsed_again() -> None:
    parser = PreferParser(cache_size=2)
    assert parser.parse((b"count=exact",)) is parser.parse((b"count=exact",))
    assert parser.parse(()) == Preferences()


@given(st.lists(st.binary(max_size=60), max_size=3))
def test_any_bytes_give_preferences_or_a_refusal(values: list[bytes]) -> None:
    assert isinstance(parse_prefer(values), Preferences)
    code = "accepted"
    try:
        parse_prefer([b"handling=strict", *values])
    except BackstayError as error:
        code = error.code
    assert code in {"accepted", "PGRST122"}
