"""A mail as the bytes that travel: an internet message (RFC 5322) with a text and an HTML part (RFC 2046).

In charge of headers. That no value can add one is checked by `Mail` before, and by the standard library again.
"""

from __future__ import annotations

import datetime as dt
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, make_msgid

import idna

from backstay.config.mail import MailSettings
from backstay.errors import BackstayError
from backstay.repositories.mail import Mail


def compose(mail: Mail, settings: MailSettings) -> EmailMessage:
    """The message, from the settings' sender, dated now, with an id of its own.

    Raises:
        BackstayError: `unprocessable`, when the address's domain cannot exist.
    """
    local, domain = deliverable(mail.to)
    # Only a local part outside ASCII needs a server that takes headers in UTF-8 (RFC 6532).
    message = EmailMessage(policy=SMTP if local.isascii() else SMTPUTF8)
    sender = Address(settings.sender_name, addr_spec=settings.sender_address)
    message["From"] = sender
    message["To"] = Address(username=local, domain=domain)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(dt.datetime.now(dt.UTC))
    message["Message-ID"] = make_msgid(domain=sender.domain)
    # RFC 3834 section 5: absence notes and other robots do not answer it.
    message["Auto-Submitted"] = "auto-generated"
    # Seven bits in any case: no server on the way has a reason to recode it, or to refuse it.
    message.set_content(mail.text, charset="utf-8", cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", charset="utf-8", cte="quoted-printable")
    return message


def deliverable(address: str) -> tuple[str, str]:
    """Local part, and domain in ASCII, which reaches servers without SMTPUTF8 (RFC 6531) too.

    Raises:
        BackstayError: `unprocessable`, when the domain is none of IDNA 2008 (RFC 5891).
    """
    local, _, domain = address.rpartition("@")
    if domain.isascii():
        return local, domain
    try:
        return local, idna.encode(domain, uts46=True).decode("ascii")
    except ValueError as error:
        raise BackstayError("unprocessable", "The e-mail address is not valid.") from error
