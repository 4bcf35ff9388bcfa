"""The post: mails that use cases have written leave here, after their transaction and without being waited for.

In charge of trying again, and of how many may wait. A mail is lost when the process dies before it has left; who
did not get one asks for another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Sequence

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
        mailer: None when the application sends no mails.
        app_name: how templates call the application.
    """

    def __init__(
        self, mailer: Mailer | None, templates: Templates, app_name: str, pauses: Sequence[float] = PAUSES
    ) -> None:
        self._mailer = mailer
        self._templates = templates
        self._app_name = app_name
        self._pauses = tuple(pauses)
        self._waiting: set[asyncio.Future[None]] = set()
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._log = structlog.get_logger("backstay.mail")

    def write(self, name: str, to: str, language: str | None, **values: str | int) -> Mail:
        """A mail from a template: one of `templates.NAMES`, with some of `templates.VALUES`."""
        subject, text, html = self._templates.render(
            name, language, {"app_name": self._app_name, "address": to, **values}
        )
        return Mail(to, subject, text, html)

    @property
    def can_send(self) -> bool:
        """Whether mails leave at all."""
        return self._mailer is not None

    def require(self) -> None:
        """Refuse at once what would need a mail when none can leave.

        Raises:
            BackstayError: `email_provider_disabled`.
        """
        if self._mailer is None:
            raise BackstayError("email_provider_disabled")

    def write_later(self, work: Awaitable[Sequence[Mail]]) -> None:
        """Do the work that writes mails, and send them, without being waited for.

        For answers that must not tell, not even by their time, whether a mail was written.

        Raises:
            BackstayError: `mail_unavailable`, when too many are waiting.
        """
        if len(self._waiting) >= MOST_WAITING:
            if isinstance(work, Coroutine):
                work.close()
            raise BackstayError("mail_unavailable")
        self._keep(asyncio.ensure_future(self._write(work)))

    async def _write(self, work: Awaitable[Sequence[Mail]]) -> None:
        try:
            self.send(*await work)
        except Exception:  # noqa: BLE001 - the last resort of a task that nobody waits for
            self._log.exception("mail_not_written")

    def send(self, *mails: Mail) -> None:
        """Let them go, and return at once.

        Raises:
            BackstayError: `mail_unavailable`, when too many are waiting.
        """
        if len(self._waiting) + len(mails) > MOST_WAITING:
            raise BackstayError("mail_unavailable")
        self.require()
        for mail in mails:
            self._keep(asyncio.create_task(self._deliver(mail)))

    def _keep(self, task: asyncio.Future[None]) -> None:
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def settle(self) -> None:
        """Wait until nothing is left to be written or sent."""
        while self._waiting:
            await asyncio.wait(tuple(self._waiting))

    async def close(self, seconds: float = 10.0) -> None:
        """Wait for those that are leaving, and give up those that wait for another try after that."""
        deadline = asyncio.get_running_loop().time() + seconds
        while self._waiting and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(tuple(self._waiting), timeout=left)
        if self._waiting:
            self._log.error("mails_given_up", count=len(self._waiting))
        for task in tuple(self._waiting):
            task.cancel()

    async def _deliver(self, mail: Mail) -> None:
        if self._mailer is None:
            return
        for pause in (*self._pauses, None):
            try:
                async with self._at_once:
                    await self._mailer.send(mail)
                return
            except BackstayError as error:
                if error.code != "mail_unavailable" or pause is None:
                    self._log.error("mail_given_up", code=error.code, **_reason(error))
                    return
                self._log.warning("mail_delayed", seconds=pause, **_reason(error))
            except Exception:  # noqa: BLE001 - the last resort of a task that nobody waits for
                self._log.exception("mail_given_up")
                return
            await asyncio.sleep(pause)


def _reason(error: BackstayError) -> dict[str, str | int | None]:
    """For operators: what failed, and the server's answer as a number. Its words may repeat the mail's."""
    cause = error.__cause__
    return {"cause": type(cause).__name__ if cause else None, "answer": getattr(cause, "code", None)}
