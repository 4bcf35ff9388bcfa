"""The project a command works on: its folder, and the application that `backend/app.py` builds."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from backstay.app import Backstay
from backstay.errors import ConfigurationError

PACKAGE = "backend"


def enter(project: Path) -> None:
    """Make the project's package importable.

    Raises:
        ConfigurationError: when there is no such package in the folder.
    """
    if not (project / PACKAGE).is_dir():
        raise ConfigurationError(
            [f"{project} has no folder '{PACKAGE}'; run the command in a project, or name one with --project"]
        )
    if str(project) not in sys.path:
        sys.path.insert(0, str(project))


def load_app(project: Path) -> Backstay:
    """The application, as `backend/app.py` builds it under the name `app`.

    Raises:
        ConfigurationError: when the file is missing or builds no such thing, or for what is wrong with settings and
            models.
    """
    enter(project)
    if not (project / PACKAGE / "app.py").is_file():
        raise ConfigurationError(
            [f"{project / PACKAGE / 'app.py'} is missing; it says: app = Backstay('{PACKAGE}')"]
        )
    module = importlib.import_module(f"{PACKAGE}.app")
    app = getattr(module, "app", None)
    if not isinstance(app, Backstay):
        raise ConfigurationError(
            [f"{PACKAGE}/app.py must build the application as: app = Backstay('{PACKAGE}')"]
        )
    return app
