"""The texts of mails: which file, in which language, with which values.

In charge of turning a name and values into a subject, a text and an HTML part. Files come from a list of folders, so
that a project replaces single ones; values are only ever inserted, never read as a template. Not in charge of sending.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, meta
from jinja2.sandbox import SandboxedEnvironment

from backstay.errors import BackstayError, ConfigurationError

SHIPPED = Path(__file__).with_name("templates")
NAMES = (
    "confirmation",
    "magic_link",
    "recovery",
    "invite",
    "email_change",
    "reauthentication",
    "security_notice",
    "known_address",
)
PARTS = ("subject.txt", "txt", "html")
VALUES = frozenset({"link", "code", "address", "new_address", "app_name", "minutes", "hours"})

# What browsers send stays far below; what does not is no preference.
MAX_TAG_LENGTH = 200
_LANGUAGE = "language"


class Templates:
    """The mails' templates. Those that are not Backstay's own are checked at once; to check the 49 takes 120 ms.

    Args:
        folders: each holds folders named by language; a file of an earlier one replaces that of a later one. Those
            of Backstay come last by themselves.
        default_language: for whoever prefers none of those there are.

    Raises:
        ConfigurationError: a template has a wrong syntax or names an unknown value, or the default language is not
            complete.
    """

    def __init__(self, folders: Sequence[Path], default_language: str) -> None:
        self._folders = (*folders, SHIPPED)
        # Undefined values fail rather than vanish: a mail without its link helps nobody.
        self._loader = FileSystemLoader(self._folders)
        self._environment = SandboxedEnvironment(
            loader=self._loader,
            autoescape=lambda name: name is not None and name.endswith(".html"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        # Lower case -> as the folder is spelled.
        self._languages = {name.lower(): name for name in self._found_languages()}
        # A mail is of one language: where one part is missing, none is used.
        self._complete = {
            name: [tag for tag in self._languages if not self._missing_parts(tag, name)] for name in NAMES
        }
        self._default = negotiate(default_language, self._languages, "")
        problems = self._problems(default_language)
        if problems:
            raise ConfigurationError(problems)

    def render(
        self, name: str, language: str | None, values: Mapping[str, str | int]
    ) -> tuple[str, str, str]:
        """Subject (one line), text and HTML of a mail.

        Args:
            name: one of `NAMES`.
            language: a tag or an `Accept-Language` field (RFC 9110 section 12.5.4).
            values: some of `VALUES`; what does not apply is left out.

        Raises:
            BackstayError: `internal_error`, when the template needs a value that is not there.
        """
        tag = negotiate(language, self._complete[name], self._default)
        context = {**values, _LANGUAGE: self._languages[tag]}
        try:
            subject, text, html = (
                self._environment.get_template(self._file(tag, name, part)).render(context) for part in PARTS
            )
        except TemplateError as error:
            raise BackstayError("internal_error") from error
        return " ".join(subject.split()), text.strip() + "\n", html

    def _file(self, tag: str, name: str, part: str) -> str:
        return f"{self._languages[tag]}/{name}.{part}"

    def _missing_parts(self, tag: str, name: str) -> list[str]:
        files = [self._file(tag, name, part) for part in PARTS]
        return [file for file in files if not any((folder / file).is_file() for folder in self._folders)]

    def _found_languages(self) -> Iterable[str]:
        for folder in self._folders:
            if folder.is_dir():
                yield from (entry.name for entry in folder.iterdir() if entry.is_dir())

    def _problems(self, default_language: str) -> list[str]:
        if not self._default:
            return [f"mail.language: there are no mails in the language {default_language!r}"]
        missing = [file for name in NAMES for file in self._missing_parts(self._default, name)]
        problems = [f"mails: {file} is missing, and its language is the default" for file in missing]
        for file in FileSystemLoader(self._folders[:-1]).list_templates():
            if file.endswith((".txt", ".html")):
                problems += self._problems_of(file)
        return problems

    def _problems_of(self, file: str) -> list[str]:
        try:
            source, _, _ = self._loader.get_source(self._environment, file)
            self._environment.get_template(file)
            unknown = meta.find_undeclared_variables(self._environment.parse(source)) - VALUES - {_LANGUAGE}
        except (TemplateError, UnicodeDecodeError) as error:
            return [f"mails: {file}: {error}"]
        return [f"mails: {file}: there is no value {name!r}" for name in sorted(unknown)]


def negotiate(preferred: str | None, available: Iterable[str], default: str) -> str:
    """The available language that fits best: a preferred one, then its shorter forms (RFC 4647 section 3.4).

    Args:
        available: tags in lower case.
    """
    choices = frozenset(available)
    for tag in _ranked(preferred or ""):
        while tag:
            if tag in choices:
                return tag
            tag = tag.rpartition("-")[0]
    return default


def _ranked(field: str) -> list[str]:
    """The tags of an `Accept-Language` field, the most wanted first, without those that are not wanted."""
    if len(field) > MAX_TAG_LENGTH:
        return []
    weighted: list[tuple[float, str]] = []
    for item in field.lower().split(","):
        tag, _, parameter = item.partition(";")
        weight = _weight(parameter.strip())
        if weight > 0:
            weighted.append((-weight, tag.strip().replace("_", "-")))
    return [tag for _, tag in sorted(weighted, key=lambda pair: pair[0])]


def _weight(parameter: str) -> float:
    if not parameter:
        return 1.0
    try:
        weight = float(parameter.removeprefix("q="))
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
