"""Mails kept in a list: for tests, ours and those of applications."""

from __future__ import annotations

from backstay.repositories.mail import Mail


class MemoryMailer:
    """Sends nothing; `sent` holds the mails, the oldest first."""

    def __init__(self) -> None:
        self.sent: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        """Keep the mail."""
        self.sent.append(mail)
