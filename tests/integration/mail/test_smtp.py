"""Mail over SMTP: what arrives at a real server, and what is refused before it could."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiosmtplib
import pytest
import trustme

from backstay.errors import BackstayError, ConfigurationError
from backstay.repositories.mail import Mail
from backstay.repositories.mail.smtp import SmtpMailer
from tests.engines import free_port
from tests.integration.mail.conftest import Serve, settings

MAIL = Mail("alice@example.com", "Grüße aus dem Hafen", "Guten Tag, Ölhafen\n", "<p>Guten Tag, Ölhafen</p>\n")


async def test_a_mail_arrives_as_it_was_written(serve: Serve) -> None:
    inbox, port = await serve()
    await SmtpMailer(settings(port)).send(MAIL)
    (envelope,) = inbox.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@harbour.example", ["alice@example.com"])
    message = inbox.message()
    assert message["From"] == '"Harbour, Ltd" <no-reply@harbour.example>'
    assert (message["To"], message["Subject"]) == (MAIL.to, MAIL.subject)
    assert message["Auto-Submitted"] == "auto-generated"
    text, html = (message.get_body(preferencelist=(kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == MAIL.text.splitlines()
    assert html.get_content().splitlines() == MAIL.html.splitlines()


async def test_a_mail_has_a_date_and_an_id_of_its_own(serve: Serve) -> None:
    inbox, port = await serve()
    mailer = SmtpMailer(settings(port))
    await mailer.send(MAIL)
    first = inbox.message()
    inbox.envelopes.clear()
    await mailer.send(MAIL)
    assert first["Message-ID"].endswith("@harbour.example>")
    assert first["Message-ID"] != inbox.message()["Message-ID"]
    age = dt.datetime.now(dt.UTC) - parsedate_to_datetime(str(first["Date"]))
    assert abs(age.total_seconds()) < 60


async def test_lines_that_mean_something_to_smtp_stay_text(serve: Serve) -> None:
    inbox, port = await serve()
    text = "Hello\n.\nQUIT\n\n..dots\n" + "long " * 400 + "\n"
    await SmtpMailer(settings(port)).send(Mail("a@b.example", "Dots", text, "<p>.</p>\n"))
    part = inbox.message().get_body(preferencelist=("plain",))
    assert part is not None
    assert part.get_content().splitlines() == text.splitlines()


async def test_international_addresses_arrive(serve: Serve) -> None:
    inbox, port = await serve()
    mailer = SmtpMailer(settings(port))
    await mailer.send(Mail("alice@müller.example", "Hi", "x", "x"))
    await mailer.send(Mail("älice@müller.example", "Hi", "x", "x"))
    domain = "xn--mller-kva.example"
    assert [envelope.rcpt_tos for envelope in inbox.envelopes] == [[f"alice@{domain}"], [f"älice@{domain}"]]


@pytest.mark.parametrize(
    "line_break", ["\r\n", "\n", "\r", "\x00", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"]
)
def test_no_line_break_reaches_a_header(line_break: str) -> None:
    for values in (
        ("alice@example.com", f"Hello{line_break}Bcc: eve@example.com"),
        ("alice@example.com", f"Hello{line_break}"),
        (f"alice@example.com{line_break}Bcc: eve@example.com", "Hello"),
        (f"alice@example.com{line_break}", "Hello"),
        (f"alice{line_break}@example.com", "Hello"),
    ):
        with pytest.raises(BackstayError) as caught:
            Mail(*values, "text", "html")
        assert caught.value.code == "unprocessable"
        assert "eve" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "alice",
        "@example.com",
        "alice@",
        "alice@a@b",
        "alice@example.com,eve@example.com",
        "alice@example.com;eve@example.com",
        "alice@example.com eve@example.com",
        "Alice <alice@example.com>",
        "<alice@example.com>",
        '"al ice"@example.com',
        "alice(comment)@example.com",
        "alice@[127.0.0.1]",
        "group:alice@example.com;",
        "alice\u202e@example.com",
        "alice\u200b@example.com",
        "alice\ud800@example.com",
        "a" * 65 + "@example.com",
        "a@" + "b" * 253,
        "a..b@example.com",
        ".a@example.com",
        "a.@example.com",
        "a@example..com",
        "a@exa_mple.com",
        "=?utf-8?q?eve=40evil.example?=@example.com",
        "a@=?utf-8?q?x?=",
    ],
)
def test_one_bare_address_and_nothing_else(address: str) -> None:
    with pytest.raises(BackstayError) as caught:
        Mail(address, "Hello", "text", "html")
    assert caught.value.code == "unprocessable"


@pytest.mark.parametrize("address", ["a@-ü.example", "a@ü..example", "a@" + "ü" * 64])
async def test_an_address_whose_domain_cannot_exist_is_refused(serve: Serve, address: str) -> None:
    inbox, port = await serve()
    with pytest.raises(BackstayError) as caught:
        await SmtpMailer(settings(port)).send(Mail(address, "Hello", "text", "html"))
    assert caught.value.code == "unprocessable"
    assert inbox.envelopes == []


@pytest.mark.parametrize("mode", ["starttls", "tls"])
async def test_an_encrypted_connection_is_logged_in_to(
    serve: Serve, certificate: ssl.SSLContext, authority: tuple[trustme.CA, Path], mode: str
) -> None:
    inbox, port = await serve(**tls_of(mode, certificate))
    mailer = SmtpMailer(
        settings(port, tls=mode, ca_file=authority[1], username="harbour", password="correct horse")
    )
    await mailer.send(MAIL)
    assert inbox.logins == [(b"harbour", b"correct horse")]
    assert inbox.encrypted == [True]


@pytest.mark.parametrize("mode", ["starttls", "tls"])
async def test_an_unknown_certificate_is_refused_before_anything_is_said(
    serve: Serve, certificate: ssl.SSLContext, mode: str
) -> None:
    inbox, port = await serve(**tls_of(mode, certificate))
    with pytest.raises(BackstayError) as caught:
        await SmtpMailer(settings(port, tls=mode, username="harbour", password="correct horse")).send(MAIL)
    assert caught.value.code == "mail_unavailable"
    assert "certificate verify failed" in str(caught.value.__cause__)
    assert (inbox.envelopes, inbox.logins) == ([], [])


async def test_a_certificate_of_another_name_is_refused(
    serve: Serve, certificate: ssl.SSLContext, authority: tuple[trustme.CA, Path]
) -> None:
    inbox, port = await serve(**tls_of("starttls", certificate))
    mailer = SmtpMailer(settings(port, host="localhost", tls="starttls", ca_file=authority[1]))
    with pytest.raises(BackstayError):
        await mailer.send(MAIL)
    assert inbox.envelopes == []


async def test_a_server_without_starttls_gets_neither_mail_nor_password(serve: Serve) -> None:
    inbox, port = await serve()
    mailer = SmtpMailer(settings(port, tls="starttls", username="harbour", password="correct horse"))
    with pytest.raises(BackstayError) as caught:
        await mailer.send(MAIL)
    assert caught.value.code == "mail_unavailable"
    assert (inbox.envelopes, inbox.logins) == ([], [])


async def test_a_wrong_password_is_told_to_operators_without_the_password(serve: Serve) -> None:
    inbox, port = await serve()
    with pytest.raises(BackstayError) as caught:
        await SmtpMailer(settings(port, username="harbour", password="battery staple")).send(MAIL)
    assert caught.value.code == "mail_unavailable"
    assert isinstance(caught.value.__cause__, aiosmtplib.SMTPAuthenticationError)
    assert "battery" not in f"{caught.value} {caught.value.__cause__!r}"
    assert inbox.envelopes == []


async def test_a_server_that_is_down_makes_mail_unavailable() -> None:
    with pytest.raises(BackstayError) as caught:
        await SmtpMailer(settings(free_port())).send(MAIL)
    assert caught.value.code == "mail_unavailable"
    assert MAIL.to not in caught.value.message


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"answer": "451 try later"}, "mail_unavailable"),
        ({"answer": "554 not from you"}, "unprocessable"),
        ({"known": "450 busy"}, "mail_unavailable"),
        # It was tried again for seven minutes.
        ({"known": "550 no such user"}, "unprocessable"),
    ],
)
async def test_a_mail_the_server_refuses_is_not_sent_and_tried_again_only_where_that_helps(
    serve: Serve, answers: dict[str, str], code: str
) -> None:
    inbox, port = await serve()
    for name, answer in answers.items():
        setattr(inbox, name, answer)
    with pytest.raises(BackstayError) as caught:
        await SmtpMailer(settings(port)).send(MAIL)
    assert caught.value.code == code
    (said,) = answers.values()
    assert isinstance(caught.value.__cause__, aiosmtplib.SMTPResponseException)
    assert caught.value.__cause__.code == int(said[:3])


async def test_a_server_that_dribbles_is_given_up_after_the_timeout() -> None:
    async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(b"220-wait\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)
        except OSError:
            writer.close()

    server = await asyncio.start_server(dribble, "127.0.0.1", 0)
    async with server:
        started = time.monotonic()
        mailer = SmtpMailer(settings(server.sockets[0].getsockname()[1], timeout_seconds=0.3))
        with pytest.raises(BackstayError) as caught:
            await mailer.send(MAIL)
        assert time.monotonic() - started < 2
        assert caught.value.code == "mail_unavailable"
        await asyncio.sleep(0.2)


def test_an_unreadable_file_of_authorities_is_found_at_start(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for file in ("ca.pem", "absent.pem"):
        with pytest.raises(ConfigurationError, match=r"mail\.ca_file"):
            SmtpMailer(settings(25, tls="tls", ca_file=tmp_path / file))


def tls_of(mode: str, certificate: ssl.SSLContext) -> dict[str, object]:
    """Options of a server that encrypts at once, or insists on STARTTLS."""
    if mode == "tls":
        return {"ssl_context": certificate}
    return {"tls_context": certificate, "require_starttls": True}
