"""Codes of authenticator apps, without a database."""

from __future__ import annotations

import base64
import datetime as dt
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree as ET

import pyotp
import pytest

from backstay.services.auth.totp import app_uri, new_secret, qr_svg, step_of

# The key and times of RFC 6238 appendix B for SHA-1; its codes have eight digits, of which apps show the last six.
KEY = base64.b32encode(b"12345678901234567890").decode()
VECTORS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]


def at(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_the_vectors_of_the_rfc_are_read_with_their_steps(seconds: int, code: str) -> None:
    assert step_of(KEY, code, at(seconds)) == seconds // 30


@pytest.mark.parametrize(
    ("late", "good"), [(-31, True), (-60, False), (0, True), (30, True), (59, True), (60, False)]
)
def test_a_code_is_good_in_its_step_and_one_around_it(late: int, good: bool) -> None:
    start = 1_700_000_010
    code = pyotp.TOTP(KEY).at(start)
    # `start` begins a step: a clock 31 seconds behind is in the step before the one before.
    step = step_of(KEY, code, at(start + late + (1 if late == -31 else 0)))
    assert (step == start // 30) is good


@pytest.mark.parametrize(
    "text",
    [
        "",
        "28708",
        "2870822",
        "28708２",
        "٢٨٧٠٨٢",
        "287 082",
        "+28708",
        "-87082",
        "287082\n",
        "287082\0",
        "0x1234",
        "1e5000",
    ],
)
def test_what_is_not_six_digits_is_no_code(text: str) -> None:
    assert step_of(KEY, text, at(59)) is None


def test_secrets_have_160_bits_and_are_never_the_same() -> None:
    secrets = {new_secret() for _ in range(200)}
    assert len(secrets) == 200
    assert {len(base64.b32decode(secret)) for secret in secrets} == {20}


def test_an_app_learns_everything_from_the_address() -> None:
    uri = urlsplit(app_uri(KEY, "Räuber & Söhne: 50 %", "ann+tag@example.com"))
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert unquote(uri.path) == "/Räuber & Söhne: 50 %:ann+tag@example.com"
    assert parse_qs(uri.query) == {"secret": [KEY], "issuer": ["Räuber & Söhne: 50 %"]}


def test_the_picture_works_unescaped_in_a_data_url_and_by_itself() -> None:
    svg = qr_svg(app_uri(KEY, "Backstay", "ann@example.com"))
    assert svg.startswith("<svg ")
    assert not set("#%\n") & set(svg)
    root = ET.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_the_longest_names_fit_into_the_picture() -> None:
    assert qr_svg(app_uri(KEY, "𝔹" * 60, "ä" * 120 + "@" + "ä" * 10)).endswith("</svg>")
