"""The data fits the tables."""

from backend import sources

RECORD = {
    "icao": "XXXX",
    "iata": "",
    "name": "Some  where ",
    "city": "",
    "subd": "",
    "country": "XK",
    "elevation": 1.6,
    "lat": 1.0,
    "lon": 2.0,
    "tz": "UTC",
}


def test_every_airport_lies_in_a_listed_country() -> None:
    rows, unknown = sources.airports({row["code"] for row in sources.countries()})
    assert len(rows) > 28_000
    assert unknown == frozenset()


def test_an_airport_of_an_unlisted_country_is_left_out_and_named() -> None:
    assert sources.airports({"AT"}, [RECORD]) == ([], frozenset({"XK"}))


def test_what_is_not_known_of_an_airport_is_null() -> None:
    (row,), _ = sources.airports({"XK"}, [RECORD])
    assert (row["name"], row["elevation"]) == ("Some where", 2)
    assert row["iata"] is row["city"] is row["subdivision"] is None


def test_a_subdivision_comes_after_the_one_it_is_part_of_so_that_its_key_holds() -> None:
    seen = {None}
    for row in sources.subdivisions():
        assert row["parent_code"] in seen
        seen.add(row["code"])
