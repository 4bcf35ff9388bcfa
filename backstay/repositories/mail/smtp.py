"""Mails over SMTP (RFC 5321), encrypted (RFC 3207, RFC 8314) and to a server whose certificate is verified.

In charge of one connection per mail: mails are rare, and a connection that is kept is one that has timed out when it
is needed. Not in charge of trying again.
"""

from __future__ import annotations

import asyncio
import ssl

import aiosmtplib

from backstay.config.mail import MailSettings
from backstay.errors import BackstayError, ConfigurationError
from backstay.repositories.mail import Mail
from backstay.repositories.mail.message import compose, deliverable


class SmtpMailer:
    """Sends through the settings' server.

    Raises:
        ConfigurationError: there is no server, or the certificates of `ca_file` cannot be read.
    """

    def __init__(self, settings: MailSettings) -> None:
        if not settings.host:
            raise ConfigurationError(["mail.host: is not set; name the SMTP server"])
        self._settings = settings
        self._tls = None if settings.tls == "none" else _trust(settings)

    async def send(self, mail: Mail) -> None:
        """Send it, within `timeout_seconds`.

        Raises:
            BackstayError: with what the server said as its cause: `mail_unavailable`; `unprocessable`, when it
                refuses this mail for good, or the address cannot be written in a header.
        """
        message = compose(mail, self._settings)
        recipient = "@".join(deliverable(mail.to))
        try:
            # aiosmtplib counts its timeout anew for each command, so a slow server could take many of them.
            async with asyncio.timeout(self._settings.timeout_seconds), self._connection() as connection:
                # The envelope is stated, not read back out of the headers.
                await connection.send_message(
                    message, sender=self._settings.sender_address, recipients=[recipient]
                )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            answer = _answer(error)
            code = "unprocessable" if _is_final(answer) else "mail_unavailable"
            raise BackstayError(code) from answer

    def _connection(self) -> aiosmtplib.SMTP:
        settings = self._settings
        return aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username,
            password=settings.password.get_secret_value() if settings.password is not None else None,
            # The library would ask the name service who this is, at each connection.
            local_hostname=settings.sender_address.rpartition("@")[2],
            timeout=settings.timeout_seconds,
            use_tls=settings.tls == "tls",
            # True fails where a server does not offer it; the library's default would go on in clear.
            start_tls=settings.tls == "starttls",
            tls_context=self._tls,
        )


def _answer(error: Exception) -> Exception:
    """What the server said of the one recipient, which the library wraps."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        return error.recipients[0]
    return error


def _is_final(error: Exception) -> bool:
    """Whether trying again is of no use: an answer of 5yz (RFC 5321 section 4.2.1) that is about this mail."""
    about = (aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError)
    return isinstance(error, about) and 500 <= error.code < 600


def _trust(settings: MailSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError([f"mail.ca_file: cannot be read: {error}"]) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
