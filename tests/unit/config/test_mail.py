"""Settings of mail: what cannot work, or would not be safe, is refused at start."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from backstay.config.mail import MailSettings


def test_development_needs_no_settings() -> None:
    settings = MailSettings()
    assert (settings.backend, settings.tls, settings.language) == ("folder", "starttls", "en")


@pytest.mark.parametrize(
    "values",
    [
        {"backend": "smtp"},
        {"backend": "smtp", "host": ""},
        {"username": "harbour"},
        {"password": "secret-word"},
        {"host": "mail.example", "tls": "none", "username": "harbour", "password": "secret-word"},
        {"sender_address": "nobody"},
        {"sender_address": "a@"},
        {"sender_address": ""},
        {"sender_address": "a@b.example\r\nBcc: c@d.example"},
        {"sender_address": "Harbour <a@b.example>"},
        {"sender_address": "ä@b.example"},
        {"sender_name": "Harbour\r\nBcc: c@d.example"},
        {"language": "../en"},
        {"port": 0},
        {"timeout_seconds": 0},
        {"verify": False},
    ],
)
def test_settings_that_cannot_work_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        MailSettings.model_validate(values)
    assert "input_value='secret-word'" not in str(caught.value)


def test_a_password_is_not_shown() -> None:
    settings = MailSettings.model_validate({"username": "harbour", "password": "secret-word"})
    assert "secret-word" not in repr(settings)


def test_a_relay_on_this_machine_may_be_spoken_to_in_clear() -> None:
    values = {"backend": "smtp", "host": "127.0.0.1", "tls": "none", "username": "u", "password": "p"}
    assert MailSettings.model_validate(values).tls == "none"
