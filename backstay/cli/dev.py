"""`backstay dev`: migrate, say where everything is, serve, and start again when a file changes."""

from __future__ import annotations

import asyncio
import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from uvicorn.supervisors.statreload import StatReload

from backstay.app import Backstay
from backstay.cli.migrate import tell
from backstay.cli.project import PACKAGE, load_app
from backstay.cli.serve import application
from backstay.cli.terminal import OUT
from backstay.config.loader import choose, chosen, variable_name
from backstay.errors import ConfigurationError
from backstay.middleware.server import uvicorn_config
from backstay.models.access.caller import ANONYMOUS


def dev(
    context: typer.Context,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on.", show_default="from the settings")
    ] = None,
    reload: Annotated[bool, typer.Option(help="Start again when a file of the project changes.")] = True,
) -> None:
    """Serve for development: migrates first, prints addresses and keys, starts again on changes.

    Examples:

        backstay dev

        backstay dev --port 9001 --no-reload
    """
    project: Path = context.obj
    choose("http", port=port)
    app = load_app(project)
    if not app.settings.is_development:
        raise ConfigurationError(
            [f"`backstay dev` is for development, not {app.settings.environment.value}; use serve"]
        )
    asyncio.run(app.migrations.up(tell))
    http = app.settings.http
    config = uvicorn_config(partial(application, project), http, factory=True)
    server = uvicorn.Server(config)
    sock = config.bind_socket()
    greet(app, project, f"http://{http.host}:{sock.getsockname()[1]}")
    if reload:
        config.reload_dirs = [project / PACKAGE]
        StatReload(config, target=server.run, sockets=[sock]).run()
    else:
        server.run(sockets=[sock])


def greet(app: Backstay, project: Path, url: str) -> None:
    """Where everything is, and lines to try."""
    tokens = app.settings.tokens
    OUT.print(f"\n[bold]{app.title}[/] in development, on {app.settings.database.engine}\n")
    rows = [("API", f"{url}/rest/v1/"), ("Documentation", f"{url}/docs"), ("OpenAPI", f"{url}/openapi.json")]
    rows += [("Health", f"{url}/health/ready")]
    if tokens.publishable_key is not None:
        rows.append(("Publishable key", tokens.publishable_key.get_secret_value()))
    if tokens.secret_key is not None:
        rows.append(
            ("Secret key", f"{tokens.secret_key.get_secret_value()}  [red](keep it out of browsers)[/]")
        )
    for name, value in rows:
        OUT.print(f"  {name:<16} {value}")
    OUT.print("\nTry:")
    for line in _lines_to_try(app, project, url):
        OUT.print(f"  {line}", markup=False)
    OUT.print()


def _lines_to_try(app: Backstay, project: Path, url: str) -> list[str]:
    readable = [
        name for name, one in app.catalog.resources.items() if one.access.read.fold(ANONYMOUS) is True
    ]
    lines = [f"curl '{url}/rest/v1/{name}?limit=3'" for name in readable[:3]]
    lines += [
        f"curl -i '{url}/rest/v1/{name}?select=*&limit=1' -H 'Prefer: count=exact'" for name in readable[:1]
    ]
    command = os.path.relpath(sys.argv[0])
    where = "" if project == Path.cwd() else f" --project {os.path.relpath(project)}"
    folder = app.settings.data_folder
    moved = "" if folder == project / ".data" else f"BACKSTAY_DATA_FOLDER={folder} "
    # Tokens name their issuer, and so the port.
    if chosen("http", "port"):
        moved += f"{variable_name('http', 'port')}={chosen('http', 'port')} "
    return [*lines, f"{moved}{command}{where} token --email alice@example.com"]
