"""The one reader of the environment: defaults, a TOML file, `BACKSTAY_*` variables and secret files become settings.

In charge of where a value comes from, and of saying all at once which values are wrong and what to do. Whether
values that are well-formed are also safe is for `report.py`.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from backstay.config.environment import Environment
from backstay.config.keys import KEYS, KEYS_FILE, development_keys
from backstay.config.settings import Settings
from backstay.errors import ConfigurationError

PREFIX = "BACKSTAY_"
SEPARATOR = "__"
SECRETS_FOLDER = "BACKSTAY_SECRETS_FOLDER"
DATABASE_FILE = "app.db"
_FILE_SUFFIX = "_FILE"
_SQLITE = "sqlite:///"
_MOST_SECRET_BYTES = 65_536


def load_settings(project: Path, environment: str | None = None) -> Settings:
    """Read the settings of the application in the folder `project`.

    Lowest first: defaults, `backend/config/<environment>.toml`, variables `BACKSTAY_SECTION__NAME`, and files: those
    called like a variable in the folder `BACKSTAY_SECRETS_FOLDER`, and the ones that variables
    `BACKSTAY_SECTION__NAME_FILE` name. Lists are separated by commas; an empty variable counts as absent. In
    development, keys that no source gives are made once and kept in the data folder.

    Args:
        environment: `development`, `staging` or `production`; by default what `BACKSTAY_ENVIRONMENT` says, or
            development.

    Raises:
        ConfigurationError: for unknown names and wrong values, every one of them with its variable and the fix.
    """
    project = project.resolve()
    problems: list[str] = []
    variables = _variables(problems)
    chosen = _environment(environment or variables.pop(f"{PREFIX}ENVIRONMENT", None), problems)
    file = project / "backend" / "config" / f"{chosen.value}.toml"
    values = _layered(_toml(file, problems), variables)
    values["environment"] = chosen
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems += [_fault(fault, variables, file) for fault in error.errors(include_url=False)]
        raise ConfigurationError(problems) from None
    if not _can_serve_from(settings.database.url):
        problems.append(
            f"{variable_name('database', 'url')}: is no database to serve from;"
            " use sqlite:///path/to/file or postgresql://user:password@host/name"
        )
    if problems:
        raise ConfigurationError(problems)
    return _with_keys(_placed(settings, project))


def variable_name(*path: str) -> str:
    """The environment variable of a setting: `variable_name("http", "port")` is `BACKSTAY_HTTP__PORT`."""
    return PREFIX + SEPARATOR.join(path).upper()


def choose(section: str, **options: str | int | None) -> None:
    """Make variables of a command's options, for this process and its workers, so that what follows from a value does.

    Args:
        options: by name of the setting; None was not given.
    """
    given = {name: str(value) for name, value in options.items() if value is not None}
    os.environ.update({variable_name(section, name): value for name, value in given.items()})


def chosen(*path: str) -> str | None:
    """What the variable of a setting says, if there is one."""
    return os.environ.get(variable_name(*path))


def _variables(problems: list[str]) -> dict[str, str]:
    """Settings from the environment and from secret files, by the name of their variable."""
    given = {name: value for name, value in os.environ.items() if name.startswith(PREFIX) and value}
    folder = given.pop(SECRETS_FOLDER, None)
    known = _known_variables()
    files = {name: path for name, path in given.items() if name.endswith(_FILE_SUFFIX) and name not in known}
    values = {name: value for name, value in given.items() if name not in files}
    if folder:
        values.update(_secrets(Path(folder), problems))
    for name, path in files.items():
        content = _content(Path(path), name, problems)
        if content is not None:
            values[name.removesuffix(_FILE_SUFFIX)] = content
    problems += [_unknown(name, known) for name in values if name not in known]
    return {name: value for name, value in values.items() if name in known}


def _secrets(folder: Path, problems: list[str]) -> dict[str, str]:
    """Files of a folder that are called like a variable, in either case; others in it are not ours."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.name.upper().startswith(PREFIX))
    except OSError as error:
        problems.append(
            f"{SECRETS_FOLDER}: {folder} cannot be read ({error.strerror}); name a folder of secret files"
        )
        return {}
    found = {path.name.upper(): _content(path, str(path), problems) for path in paths}
    return {name: content for name, content in found.items() if content is not None}


def _content(path: Path, name: str, problems: list[str]) -> str | None:
    try:
        if path.stat().st_size > _MOST_SECRET_BYTES:
            problems.append(
                f"{name}: {path} is larger than {_MOST_SECRET_BYTES} bytes; name a file with one value"
            )
            return None
        return path.read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        problems.append(
            f"{name}: {path} cannot be read ({error.strerror}); name a file this process may read"
        )
    except UnicodeDecodeError:
        problems.append(f"{name}: {path} is not UTF-8 text; store the value as text")
    return None


def _known_variables(
    model: type[BaseModel] = Settings, *section: str
) -> dict[str, tuple[tuple[str, ...], bool]]:
    """Every variable there is: the place of its value in the settings, and whether that is a list."""
    known = {}
    for name, field in model.model_fields.items():
        path = (*section, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            known.update(_known_variables(field.annotation, *path))
        else:
            known[variable_name(*path)] = (path, get_origin(field.annotation) is tuple)
    return known


def _unknown(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"{name}: there is no such setting; " + (f"did you mean {close[0]}?" if close else "remove it")


def _environment(name: str | None, problems: list[str]) -> Environment:
    try:
        return Environment(name or Environment.DEVELOPMENT)
    except ValueError:
        choices = ", ".join(Environment)
        problems.append(f"{PREFIX}ENVIRONMENT: {name!r} is not an environment; use one of {choices}")
        return Environment.DEVELOPMENT


def _toml(file: Path, problems: list[str]) -> dict[str, Any]:
    try:
        written = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{file}: cannot be read as TOML ({error}); correct the file")
        return {}
    if written.pop("environment", None) is not None:
        problems.append(f"{file}: a file cannot choose its environment; set {PREFIX}ENVIRONMENT instead")
    return written


def _layered(written: dict[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """The values of the file with those of the variables over them."""
    for name, ((*sections, last), is_list) in _known_variables().items():
        if name in variables:
            place = written
            for section in sections:
                inner = place.get(section)
                place[section] = place = inner if isinstance(inner, dict) else {}
            place[last] = (
                [part.strip() for part in variables[name].split(",") if part.strip()]
                if is_list
                else variables[name]
            )
    return written


def _fault(fault: ErrorDetails, variables: Mapping[str, str], file: Path) -> str:
    """One wrong value: where it was given, what is wrong, and what to do. Never the value, which may be secret."""
    path = [str(part) for part in fault["loc"] if isinstance(part, str)]
    name = variable_name(*path)
    if fault["type"] == "extra_forbidden":
        return f"{_unknown(name, _known_variables())} ({_in_file(path, file)})"
    source = name if name in variables else f"{_in_file(path, file)} (or {name})"
    message = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{source}: {message}; correct the value"


def _in_file(path: list[str], file: Path) -> str:
    *sections, last = path or ["?"]
    return f"{last} in [{'.'.join(sections)}] of {file.name}" if sections else f"{last} in {file.name}"


def _can_serve_from(url: str) -> bool:
    """SQLite must be a file: the connections of one process share nothing else."""
    if url.startswith(_SQLITE):
        return url.removeprefix(_SQLITE) not in {"", ":memory:"}
    return url.startswith(("postgresql://", "postgres://", "postgresql+asyncpg://"))


def _placed(settings: Settings, project: Path) -> Settings:
    """What follows from other values unless it was given: paths, the database in the data folder, the issuer."""
    folder = project / settings.data_folder
    url = settings.database.url
    if "url" not in settings.database.model_fields_set:
        url = f"{_SQLITE}{folder / DATABASE_FILE}"
    elif url.startswith(_SQLITE):
        url = f"{_SQLITE}{project / url.removeprefix(_SQLITE)}"
    database = settings.database.model_copy(update={"url": url})
    auth, tokens, http = settings.auth, settings.tokens, settings.http
    if settings.is_development and "public_url" not in auth.model_fields_set:
        auth = auth.model_copy(update={"public_url": f"http://{http.host}:{http.port}"})
    if "issuer" not in tokens.model_fields_set:
        # OpenID Connect Discovery 1.0 section 4.3: who issues tokens is found at that address.
        tokens = tokens.model_copy(update={"issuer": f"{auth.public_url}/auth/v1"})
    placed = {"data_folder": folder, "database": database, "auth": auth, "tokens": tokens}
    return settings.model_copy(update=placed)


def _with_keys(settings: Settings) -> Settings:
    """In development, keys that nothing gives come from the data folder's `keys.toml`."""
    missing = [name for name in KEYS if getattr(settings.tokens, name) is None]
    if not settings.is_development or not missing:
        return settings
    try:
        keys = development_keys(settings.data_folder)
    except (OSError, ValueError) as error:
        fix = f"remove the file, or set {variable_name('data_folder')} to a folder this process may write"
        raise ConfigurationError([f"{settings.data_folder / KEYS_FILE}: {error}; {fix}"]) from error
    tokens = settings.tokens.model_copy(update={name: SecretStr(keys[name]) for name in missing})
    return settings.model_copy(update={"tokens": tokens})
