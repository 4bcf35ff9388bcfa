"""The post: mails that use cases have written leave here, after their transaction and without being waited for.

In charge of trying again, and of how many may wait. A mail is lost when the process dies before it has left; who
did not get one asks for another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from backstay.errors import BackstayError
from backstay.repositories.mail import Mail, Mailer
from backstay.services.mail.templates import Templates

# Seconds between the tries of one mail: servers that greylist want to be asked again after minutes.
PAUSES: Sequence[float] = (1.0, 5.0, 30.0, 120.0, 300.0)
MOST_WAITING = 1000
AT_ONCE = 8


class Post:
    """Takes mails and sees to it that they leave.

    Args:
        app_name: how templates call the application.
    """

    def __init__(
        self, mailer: Mailer, templates: Templates, app_name: str, pauses: Sequence[float] = PAUSES
    ) -> None:
        self._mailer = mailer
        self._templates = templates
        self._app_name = app_name
        self._pauses = tuple(pauses)
        self._waiting: set[asyncio.Task[None]] = set()
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._log = structlog.get_logger("backstay.mail")

    def write(self, name: str, to: str, language: str | None, **values: str | int) -> Mail:
        """A mail from a template: one of `templates.NAMES`, with some of `templates.VALUES`."""
        subject, text, html = self._templates.render(
            name, language, {"app_name": self._app_name, "address": to, **values}
        )
        return Mail(to, subject, text, html)

    def send(self, *mails: Mail) -> None:
        """Let them go, and return at once.

        Raises:
            BackstayError: `mail_unavailable`, when too many are waiting.
        """
        if len(self._waiting) + len(mails) > MOST_WAITING:
            raise BackstayError("mail_unavailable")
        for mail in mails:
            task = asyncio.create_task(self._deliver(mail))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)

    async def close(self, seconds: float = 10.0) -> None:
        """Wait for those that are leaving, and give up those that wait for another try after that."""
        if self._waiting:
            _, left = await asyncio.wait(tuple(self._waiting), timeout=seconds)
            for task in left:
                task.cancel()
            if left:
                self._log.error("mails_given_up", count=len(left))

    async def _deliver(self, mail: Mail) -> None:
        for pause in (*self._pauses, None):
            try:
                async with self._at_once:
                    await self._mailer.send(mail)
                return
            except BackstayError as error:
                if error.code != "mail_unavailable" or pause is None:
                    self._log.error("mail_given_up", code=error.code)
                    return
            except Exception:  # noqa: BLE001 - the last resort of a task that nobody waits for
                self._log.exception("mail_given_up")
                return
            await asyncio.sleep(pause)
