"""`backstay serve`: the application behind the strict HTTP server, with as many worker processes as wanted."""

from __future__ import annotations

import gc
import os
import signal
from contextlib import suppress
from functools import partial
from pathlib import Path
from socket import socket
from types import FrameType
from typing import Annotated

import typer
import uvicorn
from uvicorn.config import Config
from uvicorn.supervisors import Multiprocess

from backstay.app import Backstay, catalog_of
from backstay.cli.check import show
from backstay.cli.project import PACKAGE, enter, load_app
from backstay.cli.terminal import OUT
from backstay.config.http import HttpSettings
from backstay.config.loader import choose, load_settings
from backstay.config.report import CatalogFacts, refusals
from backstay.middleware.server import leave_in_two_steps, uvicorn_config


def serve(
    context: typer.Context,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes.", min=1, show_default="from the settings")
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.", show_default="from the settings")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on.", show_default="from the settings")
    ] = None,
) -> None:
    """Serve the application. In staging and production, refuse to start with an unsafe value.

    On SIGTERM, /health/ready answers 503 at once, and requests are taken for a few seconds more; then it accepts
    nothing, finishes what runs, and exits with 0.

    Examples:

        backstay serve

        BACKSTAY_ENVIRONMENT=production backstay serve --workers 4 --host 0.0.0.0
    """
    enter(context.obj)
    choose("http", workers=workers, host=host, port=port)
    settings = load_settings(context.obj)
    if not settings.is_development:
        found = refusals(settings, CatalogFacts(tuple(catalog_of(PACKAGE).without_rules())))
        if found:
            show(found)
            raise typer.Exit(1)
    run(context.obj, settings.http)


def run(project: Path, http: HttpSettings) -> None:
    """Serve until told to stop."""
    config = uvicorn_config(partial(application, project), http, factory=True)
    config.workers = http.workers
    server = uvicorn.Server(config)
    sock = config.bind_socket()
    OUT.print(f"serving on http://{http.host}:{sock.getsockname()[1]} with {http.workers} worker(s)")
    if http.workers > 1:
        _Workers(config, sockets=[sock]).run()
        return
    # The server sends itself the signal again after it has stopped well, which is no reason to die of it.
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    server.run(sockets=[sock])


class _Workers(Multiprocess):
    """Passes SIGTERM on to the workers at once; by itself it looks for signals twice a second."""

    def __init__(self, config: Config, sockets: list[socket]) -> None:
        super().__init__(config, sockets)
        signal.signal(signal.SIGTERM, self._pass_on)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self.signal_queue.append(number)
        for worker in self.processes:
            if worker.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(worker.pid, number)


def application(project: Path) -> Backstay:
    """The application of one worker process, which is told when the process is about to stop."""
    app = load_app(project)
    # What is there by now stays: a full collection would look at 156,000 objects, for 40 ms, and find nothing.
    gc.collect()
    gc.freeze()
    leave_in_two_steps(app.health.drain, app.settings.announce_seconds)
    return app
