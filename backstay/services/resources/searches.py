"""Which search a filter means, as far as it exists for the caller: all of its columns must.

A column that somebody may not see would otherwise be read through the words found in it.
"""

from __future__ import annotations

from collections.abc import Sequence

from backstay.errors import BackstayError
from backstay.models.catalog import Resource, SearchedText
from backstay.models.resources.plan import Reference
from backstay.models.resources.request import Filter
from backstay.models.search import CONFIGURATIONS
from backstay.services.resources.sight import Sight


def find_search(
    sight: Sight, resource: Resource, filter_: Filter
) -> tuple[SearchedText, tuple[Reference, ...]] | None:
    """The search that a filter names, and its columns; None when there is none of that name.

    It is called by its own name, or by that of a column that it looks through alone.

    Raises:
        BackstayError: `42704` for a configuration that nobody has, `PGRST127` for one that no such search has.
    """
    name = filter_.column.name
    named = [
        search
        for search in resource.searches.values()
        if search.name == name or [field.name for field in search.fields] == [name]
    ]
    seen = [(search, columns) for search in named if (columns := _columns(sight, resource, search))]
    if not seen or filter_.column.steps:
        return None
    search, columns = _configured(filter_, seen)
    return search, tuple(columns)


def search_hint(sight: Sight, resource: Resource, name: str) -> str | None:
    """What to tell whoever takes a search for a column; None when the name is no search that exists for them."""
    search = resource.searches.get(name)
    if search is None or not _columns(sight, resource, search):
        return None
    return f"'{name}' is a search: filter it by fts, plfts, phfts or wfts."


def undeclared(resource: Resource, column: str) -> BackstayError:
    """The refusal of a search that no index stands behind, which would differ between the databases."""
    return BackstayError(
        "PGRST127",
        details=f"There is no search over '{resource.name}.{column}'.",
        hint=f'Declare one on the model, such as {column}_search = Search("{column}"), and make a migration.',
    )


def _columns(sight: Sight, resource: Resource, search: SearchedText) -> list[Reference]:
    """The columns of a search as this caller sees them; none when one of them does not exist."""
    columns = [sight.reference(resource, field.name) for field in search.fields]
    known = [column for column in columns if column is not None]
    return known if len(known) == len(columns) else []


def _configured(
    filter_: Filter, seen: Sequence[tuple[SearchedText, list[Reference]]]
) -> tuple[SearchedText, list[Reference]]:
    if filter_.config is None:
        return seen[0]
    config = filter_.config.lower()
    if config not in CONFIGURATIONS:
        raise BackstayError("42704", f'text search configuration "{filter_.config[:63]}" does not exist')
    for search, columns in seen:
        if search.config == config:
            return search, columns
    raise BackstayError(
        "PGRST127",
        details=f"'{filter_.column.name}' is searched with the configuration '{seen[0][0].config}'.",
    )
