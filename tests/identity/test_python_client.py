"""The published Python client, unmodified: `supabase`, its auth and its tables."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pyotp
import pytest
from postgrest.exceptions import APIError
from supabase import Client, ClientOptions, create_client
from supabase_auth.errors import AuthApiError, AuthWeakPasswordError

from tests.identity.served import PUBLISHABLE_KEY, SECRET_KEY, Served

PASSWORD = "correct horse battery staple"
OTHER = "another long enough phrase"

pytestmark = [
    # The client's own warnings, about the HTTP library beneath it and about what it leaves open.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """What a client leaves open is found here, and not in the middle of a test of something else."""
    yield
    gc.collect()


def client(served: Served, key: str = PUBLISHABLE_KEY) -> Client:
    options = ClientOptions(auto_refresh_token=False, persist_session=True)
    return create_client(served.address, key, options=options)


def new_address() -> str:
    return f"py{uuid4().hex}@example.com"


def signed_in(served: Served) -> tuple[Client, str]:
    """A client with a confirmed user's session."""
    email = new_address()
    own = client(served)
    own.auth.sign_up({"email": email, "password": PASSWORD})
    own.auth.verify_otp({"email": email, "token": served.code(email), "type": "signup"})
    return own, email


def test_sign_up_confirmation_and_sign_in(served: Served) -> None:
    email = new_address()
    own = client(served)
    made = own.auth.sign_up({"email": email, "password": PASSWORD, "options": {"data": {"name": "Ann"}}})
    assert made.session is None
    with pytest.raises(AuthApiError) as unconfirmed:
        own.auth.sign_in_with_password({"email": email, "password": PASSWORD})
    assert unconfirmed.value.code == "email_not_confirmed"
    verified = own.auth.verify_otp({"email": email, "token": served.code(email), "type": "signup"})
    assert verified.user is not None
    assert verified.user.user_metadata["name"] == "Ann"
    with pytest.raises(AuthApiError) as wrong:
        client(served).auth.sign_in_with_password({"email": email, "password": OTHER})
    assert wrong.value.code == "invalid_credentials"
    with pytest.raises(AuthWeakPasswordError) as weak:
        client(served).auth.sign_up({"email": new_address(), "password": "short"})
    assert weak.value.reasons == ["length"]


def test_the_session_is_refreshed_and_carries_the_caller_to_its_rows(served: Served) -> None:
    own, _ = signed_in(served)
    before = own.auth.get_session()
    assert before is not None
    after = own.auth.refresh_session().session
    assert after is not None
    assert after.refresh_token != before.refresh_token
    claims = own.auth.get_claims()
    assert claims is not None
    assert claims["claims"]["role"] == "authenticated"
    own.table("notes").insert({"text": "mine"}).execute()
    rows: Any = own.table("notes").select("text").execute().data
    assert rows == [{"text": "mine"}]
    stranger, _ = signed_in(served)
    assert stranger.table("notes").select("text").execute().data == []


def test_an_account_is_changed(served: Served) -> None:
    own, email = signed_in(served)
    changed = own.auth.update_user({"data": {"city": "Bern"}})
    assert changed.user.user_metadata["city"] == "Bern"
    own.auth.reset_password_for_email(email)
    other = client(served)
    other.auth.verify_otp({"email": email, "token": served.code(email), "type": "recovery"})
    other.auth.update_user({"password": OTHER})
    assert client(served).auth.sign_in_with_password({"email": email, "password": OTHER}).session


def test_one_time_codes(served: Served) -> None:
    email = new_address()
    own = client(served)
    own.auth.sign_in_with_otp({"email": email})
    session = own.auth.verify_otp({"email": email, "token": served.code(email), "type": "email"}).session
    assert session is not None
    assert own.auth.get_user_identities().identities[0].provider == "email"


def test_a_second_factor_opens_what_asks_for_it(served: Served) -> None:
    own, _ = signed_in(served)
    service = client(served, SECRET_KEY)
    service.table("secrets").insert({"text": "hidden"}).execute()
    # A rule that asks for the level holds for no row before: to this caller the table is not there.
    with pytest.raises(APIError):
        own.table("secrets").select("*").execute()
    factor = own.auth.mfa.enroll({"factor_type": "totp", "friendly_name": "phone"})
    assert factor.totp is not None
    challenge = own.auth.mfa.challenge({"factor_id": factor.id})
    code = pyotp.TOTP(factor.totp.secret).now()
    own.auth.mfa.verify({"factor_id": factor.id, "challenge_id": challenge.id, "code": code})
    level = own.auth.mfa.get_authenticator_assurance_level()
    assert (level.current_level, level.next_level) == ("aal2", "aal2")
    assert own.table("secrets").select("*").execute().data != []
    own.auth.mfa.unenroll({"factor_id": factor.id})


def test_signing_out_and_anonymous_users(served: Served) -> None:
    own, email = signed_in(served)
    other = client(served)
    other.auth.sign_in_with_password({"email": email, "password": PASSWORD})
    own.auth.sign_out({"scope": "others"})
    with pytest.raises(Exception):  # noqa: B017, PT011 - the client has several for this
        other.auth.refresh_session()
    nobody = client(served)
    assert nobody.auth.sign_in_anonymously().user.is_anonymous is True  # type: ignore[union-attr]  # a user is there


def test_administration(served: Served) -> None:
    admin = client(served, SECRET_KEY).auth.admin
    email = new_address()
    made = admin.create_user({"email": email, "password": PASSWORD, "email_confirm": True}).user
    assert admin.get_user_by_id(made.id).user.email == email
    assert len(admin.list_users(page=1, per_page=1)) == 1
    assert (
        admin.update_user_by_id(made.id, {"app_metadata": {"plan": "big"}}).user.app_metadata["plan"] == "big"
    )
    admin.update_user_by_id(made.id, {"ban_duration": "1h"})
    with pytest.raises(AuthApiError) as banned:
        client(served).auth.sign_in_with_password({"email": email, "password": PASSWORD})
    assert banned.value.code == "user_banned"
    admin.delete_user(made.id)
    link = admin.generate_link({"type": "magiclink", "email": new_address()})
    used = client(served).auth.verify_otp({"token_hash": link.properties.hashed_token, "type": "magiclink"})
    assert used.session is not None
    for kind in ("email_change_current", "email_change_new"):
        wanted = {"type": kind, "email": used.user.email, "new_email": new_address()}  # type: ignore[union-attr]  # a user is there
        properties = admin.generate_link(wanted).properties  # type: ignore[arg-type]  # one form for every kind
        assert properties.verification_type == kind
    assert admin.invite_user_by_email(new_address()).user.invited_at is not None
