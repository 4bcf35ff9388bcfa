"""Every route with the rule that guards it, for whoever wants a list of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.routing import BaseRoute

from backstay.config.settings import Settings
from backstay.controllers.dependencies import Required
from backstay.controllers.endpoints import Endpoint
from backstay.controllers.functions import FUNCTIONS
from backstay.controllers.resources.graphql.controller import METHODS as GRAPHQL_METHODS
from backstay.models.access.words import words_of
from backstay.models.catalog import Catalog, Resource
from backstay.models.resources.actions import ActionCatalog
from backstay.routes import http as routes


@dataclass(frozen=True, slots=True)
class RouteLine:
    """One route, and the rule that guards it."""

    method: str
    path: str
    rule: str
    public: bool


def platform_routes(settings: Settings) -> list[RouteLine]:
    """What is there whatever the models are."""
    paths = ["/health/live", "/health/ready", routes.REST]
    if settings.serves_docs:
        paths += [routes.OPENAPI, routes.DOCS]
    lines = [RouteLine("GET", path, "everyone", True) for path in paths]
    several = [("POST", routes.BATCH)]
    if settings.graphql.enabled:
        several += [(method, routes.GRAPHQL) for method in GRAPHQL_METHODS]
    return lines + [RouteLine(*each, "the rules of each table and action", False) for each in several]


def endpoint_routes(endpoints: Iterable[Endpoint]) -> list[RouteLine]:
    """The platform's own endpoints."""
    return [RouteLine(each.method, each.path, each.guard.words, each.guard.is_public) for each in endpoints]


def table_routes(catalog: Catalog) -> Iterable[RouteLine]:
    """Tables and their rows."""
    for resource in catalog.resources.values():
        yield from _routes_of(resource)


def _routes_of(resource: Resource) -> Iterable[RouteLine]:
    access = resource.access
    rules = (
        ("GET", "", access.read),
        ("POST", "", access.create),
        ("PATCH", "", access.update),
        ("DELETE", "", access.delete),
        ("GET", "/{id}", access.read),
        ("PATCH", "/{id}", access.update),
        ("PUT", "/{id}", access.update),
        ("DELETE", "/{id}", access.delete),
    )
    for method, suffix, rule in rules:
        text = words_of(rule.expression, resource.table)
        words = {"true": "everyone", "false": "nobody"}
        yield RouteLine(
            method, f"{routes.REST}{resource.name}{suffix}", words.get(text, text), text == "true"
        )


def action_routes(catalog: ActionCatalog) -> Iterable[RouteLine]:
    """Actions, at each of their doors."""
    for action in catalog.all():
        yield RouteLine(action.method, f"{FUNCTIONS}{action.name}", action.words, action.is_public)
        for method in ("GET", "POST") if action.only_reads else ("POST",):
            yield RouteLine(method, f"{routes.RPC}{action.name}", action.words, action.is_public)


def users_routes(routers: Iterable[APIRouter]) -> Iterable[RouteLine]:
    """What the user's own routers have."""
    for router in routers:
        for route in router.routes:
            rule = _rule_of(route)
            for method in sorted(getattr(route, "methods", None) or ()):
                yield RouteLine(method, getattr(route, "path", ""), rule, public=False)


def _rule_of(route: BaseRoute) -> str:
    """What `requires` says of a route of the user's."""
    depends = [*getattr(route, "dependencies", ())]
    words = [each.dependency.guard.words for each in depends if isinstance(each.dependency, Required)]
    return " and ".join(words) or "the controller decides"
