"""The GraphQL door, built."""

from __future__ import annotations

from pathlib import Path

from starlette.types import ASGIApp

from backstay.config.settings import Settings
from backstay.controllers.resources.graphql.controller import GraphQLController
from backstay.controllers.resources.graphql.documents import Documents
from backstay.controllers.resources.graphql.known import KnownDocuments
from backstay.controllers.resources.graphql.operation import Operations
from backstay.controllers.resources.graphql.page import GraphQLPage
from backstay.controllers.resources.graphql.schema import SchemaMaker
from backstay.controllers.resources.graphql.schemas import Schemas
from backstay.repositories.resources.trusted_documents import read_trusted_documents
from backstay.routes.http import GRAPHQL
from backstay.services.resources.actions import Actions
from backstay.services.resources.cursors import Cursors
from backstay.services.resources.kinds import CallerKinds
from backstay.services.resources.together import ResourceTogether


def graphql_controllers(
    settings: Settings, folder: Path, together: ResourceTogether, actions: Actions, cursors: Cursors
) -> dict[str, ASGIApp]:
    """The controllers by path: one, and those of the page's files where there is a page.

    Args:
        folder: the package's, in which `graphql` holds the documents that come with the project.

    Raises:
        ConfigurationError: for actions that would be the same field.
    """
    chosen = settings.graphql
    if not chosen.enabled:
        return {}
    catalog, callable_ = together.tables.plans.catalog, actions.catalog
    maker = SchemaMaker(catalog, callable_, settings.rest, chosen.default_rows)
    kinds = CallerKinds(catalog, (action.rule for action in callable_.all()))
    controller: ASGIApp = GraphQLController(
        chosen,
        Schemas(maker, kinds),
        Documents(
            chosen,
            introspection=settings.graphql_shows(chosen.introspection),
            suggestions=settings.graphql_shows(chosen.suggestions),
        ),
        KnownDocuments(
            read_trusted_documents(folder / "graphql"),
            trusted_only=chosen.trusted_only,
            most=chosen.persisted,
        ),
        Operations(together, chosen, settings.rest.max_rows),
        cursors,
    )
    if not settings.graphql_shows(chosen.page):
        return {GRAPHQL: controller}
    page = GraphQLPage(controller, GRAPHQL)
    return dict.fromkeys(page.answers, page)
