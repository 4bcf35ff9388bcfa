"""The types that are kept with the example: they are what its models say, and the page shows parts of them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from backstay.app import catalogs_of
from backstay.controllers.openapi.python import build_python
from backstay.controllers.openapi.typescript import build_typescript
from backstay.models.resources.typed import TypedCatalog
from backstay.services.resources.typed import audience_named, typed_catalog
from tests.integration.atlas.conftest import PROJECT

PAGE = PROJECT.parents[1] / "docs" / "typed-clients.md"


@pytest.mark.parametrize(
    ("command", "build", "file"),
    [
        ("backstay generate typescript", build_typescript, "database.ts"),
        ("backstay generate python", build_python, "database.py"),
    ],
)
def test_the_files_are_up_to_date(command: str, build: Callable[[TypedCatalog, str], str], file: str) -> None:
    catalog, actions = catalogs_of("backend")
    functions = [each.function for each in actions.all()]
    text = build(typed_catalog(catalog, audience_named(catalog, None), functions), command)
    assert (PROJECT / "clients" / file).read_text("utf-8") == text


def test_the_page_shows_parts_of_the_files() -> None:
    shown = re.findall(r"<!-- generated: (\S+) -->\n```\w+\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(shown) == 2
    for path, part in shown:
        assert part in (PROJECT.parents[1] / path).read_text("utf-8")
