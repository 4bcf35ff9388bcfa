"""The post tries again where that helps, and tells operators what is wrong without repeating a mail."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from backstay.errors import BackstayError
from backstay.repositories.mail import Mail
from backstay.services.mail.post import Post
from backstay.services.mail.templates import Templates

MAIL = Mail("alice@example.com", "Sign in", "https://app.example/verify?token=canary", "<p>canary</p>")


class Refusal(Exception):
    """As SMTP libraries raise it: with the answer's number."""

    code = 451


class Unsteady:
    """Refuses the first mails with an error of that code."""

    def __init__(self, times: int, code: str) -> None:
        self.left, self.code, self.sent = times, code, 0

    async def send(self, mail: Mail) -> None:
        if self.left:
            self.left -= 1
            raise BackstayError(self.code) from Refusal(f"cannot take {mail.text}")
        self.sent += 1


@pytest.mark.parametrize(
    ("times", "code", "sent", "events"),
    [
        (2, "mail_unavailable", 1, ["mail_delayed", "mail_delayed"]),
        (9, "mail_unavailable", 0, ["mail_delayed", "mail_delayed", "mail_given_up"]),
        (9, "unprocessable", 0, ["mail_given_up"]),
    ],
)
async def test_a_mail_that_did_not_leave_is_tried_again_and_told_of(
    times: int, code: str, sent: int, events: list[str]
) -> None:
    """Nothing was said before the last try, and then not why."""
    mailer = Unsteady(times, code)
    with capture_logs() as told:
        post = Post(mailer, Templates((), "en"), "Harbour", pauses=(0.0, 0.0))
        post.send(MAIL)
        await post.settle()
    assert mailer.sent == sent
    assert [line["event"] for line in told] == events
    assert {(line["cause"], line["answer"]) for line in told} == {("Refusal", 451)}
    assert "canary" not in str(told)
    assert "alice" not in str(told)
