"""Time-based one-time passwords (RFC 6238): the secret, how an app learns it, and which step a code is of.

In charge of the numbers that every authenticator app takes: SHA-1, six digits, 30 seconds. Pure; that a step is
taken once is for whoever stores the last one.
"""

from __future__ import annotations

import datetime as dt
import io
import re

import pyotp
import segno

STEP_SECONDS = 30
# Clocks of telephones are off by seconds; a code lives 90 seconds at most (RFC 6238 section 5.2).
STEPS_AROUND = 1

# 32 characters of base32 are 160 bits, as RFC 4226 section 4 recommends.
_SECRET_LENGTH = 32
_CODE = re.compile(r"[0-9]{6}", re.ASCII)


def new_secret() -> str:
    """160 random bits in base32."""
    return pyotp.random_base32(_SECRET_LENGTH)


def step_of(secret: str, code: str, now: dt.datetime) -> int | None:
    """The time step whose code this is, among the present one and its neighbours; None when it is of none.

    Args:
        secret: in base32.
    """
    if _CODE.fullmatch(code) is None:
        return None
    try:
        return pyotp.TOTP(secret, interval=STEP_SECONDS).verify_and_get_timecode(
            code, for_time=now.timestamp(), valid_window=STEPS_AROUND
        )
    except pyotp.OTPVerificationError:
        return None


def app_uri(secret: str, issuer: str, account: str) -> str:
    """The `otpauth:` address that an authenticator app reads.

    Args:
        issuer, account: what the app shows for it.
    """
    return pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=account, issuer_name=issuer)


def qr_svg(text: str) -> str:
    """The text as a QR code: an SVG element that also works unescaped in a `data:` URL, as clients use it."""
    out = io.BytesIO()
    segno.make_qr(text, error="l").save(
        out, kind="svg", scale=5, xmldecl=False, nl=False, svgclass=None, lineclass=None, light="white"
    )
    # A `#` would begin the URL's fragment.
    return out.getvalue().decode("ascii").replace('"#fff"', '"white"').replace('"#000"', '"black"')
