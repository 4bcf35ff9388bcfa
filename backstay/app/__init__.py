"""The composition root: the only place that builds objects. Constructors only, in the order of the layers.

`Backstay("backend")` finds the user's models, controllers and the rest in the package of that name, reads the
settings, and is an ASGI application.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from fastapi import APIRouter, FastAPI
from sqlalchemy import MetaData
from starlette.types import ASGIApp, Receive, Scope, Send

from backstay.app.graphql import graphql_controllers
from backstay.app.identity import IdentityParts, secret_of
from backstay.app.route_lines import (
    RouteLine,
    action_routes,
    endpoint_routes,
    platform_routes,
    table_routes,
    users_routes,
)
from backstay.app.tables import OwnClasses, build_controllers, build_tables, classes_in
from backstay.config.loader import load_settings
from backstay.config.report import CatalogFacts, refusals
from backstay.config.settings import Settings
from backstay.controllers.dispatch import Dispatch
from backstay.controllers.endpoints import Endpoints
from backstay.controllers.functions import FunctionsController
from backstay.controllers.health import Live, Ready
from backstay.controllers.openapi.docs_page import DocsPage, JsonDocument
from backstay.controllers.openapi.document import build_document
from backstay.controllers.openapi.swagger2 import build_swagger2
from backstay.controllers.resources.batch import BatchController
from backstay.controllers.resources.rpc import RpcController
from backstay.errors import BackstayError, ConfigurationError
from backstay.middleware import Layer, stack
from backstay.middleware.authenticate import Authenticate
from backstay.middleware.cookie_session import CookieSession
from backstay.middleware.framework_errors import install_handlers
from backstay.middleware.log import configure_logging
from backstay.models.auth import TABLES
from backstay.models.base import PLATFORM_PREFIX, Model
from backstay.models.catalog import Catalog
from backstay.models.catalog_reading import read_catalog
from backstay.models.resources.actions import ActionCatalog
from backstay.models.resources.of_table import OfTable
from backstay.repositories.database.choose import open_database, unique_names
from backstay.repositories.database.sessions import open_sessions
from backstay.repositories.inspection.choose import inspection_of
from backstay.repositories.migrations import Migrations
from backstay.repositories.resources.joint_reads import JointReads
from backstay.repositories.resources.row_clauses import RowClauses
from backstay.repositories.resources.statements import Statements
from backstay.routes import auth as auth_routes
from backstay.routes import http as routes
from backstay.services.access.doctor import Doctor
from backstay.services.auth.api_keys import ApiKeys
from backstay.services.auth.callers import Callers
from backstay.services.auth.revoked import Revoked
from backstay.services.auth.tokens import AccessTokens
from backstay.services.construction import Workshop
from backstay.services.health import Health
from backstay.services.hooks import read_hooks
from backstay.services.resources.action_reading import read_actions
from backstay.services.resources.actions import Actions
from backstay.services.resources.batch import Batches
from backstay.services.resources.cursors import Cursors
from backstay.services.resources.explaining import RowExplainer
from backstay.services.resources.hook_transactions import HookTransactions
from backstay.services.resources.kinds import CallerKinds
from backstay.services.resources.plan import Planner
from backstay.services.resources.plans import Plans
from backstay.services.resources.records import Records
from backstay.services.resources.together import ResourceTogether
from backstay.services.service import Service
from backstay.services.unit_of_work import UnitOfWork

ROOMS = ("models", "repositories", "services", "controllers", "middleware")


class Backstay:
    """One application.

    Args:
        package: the user's package, importable from the project's folder; its rooms are searched.
        settings: instead of those of the environment.
        models, services, routers: instead of those that are found.
        tables: controllers, services and repositories of single tables, instead of those that are found.
        middleware: pure ASGI layers around every route, the outermost first, instead of the list `MIDDLEWARE` in
            the package's room of that name.

    Raises:
        ConfigurationError: with every problem found in settings and models.
    """

    def __init__(
        self,
        package: str | None = None,
        *,
        settings: Settings | None = None,
        models: Sequence[type[Model]] | None = None,
        services: Sequence[type[Service]] | None = None,
        routers: Sequence[APIRouter] | None = None,
        tables: Sequence[type[OfTable]] | None = None,
        middleware: Sequence[Layer] | None = None,
        project: Path | None = None,
        title: str | None = None,
    ) -> None:
        modules = _import_rooms(package) if package is not None else []
        self.project = project or (_project_of(package) if package else Path.cwd())
        self.folder = self.project / (package or "backend").replace(".", "/")
        self.settings = settings or load_settings(self.project)
        self.title = title or self.project.resolve().name
        self.metadata: MetaData = Model.metadata
        self.models = tuple(models) if models is not None else _models_in(modules)
        self.catalog: Catalog = read_catalog(self.models)
        self.services = tuple(services) if services is not None else _services_in(modules)
        self.own = OwnClasses(tables if tables is not None else classes_in(modules), self.catalog)
        self.routers = tuple(routers) if routers is not None else _routers_in(modules)
        self.middleware = tuple(middleware) if middleware is not None else _middleware_in(modules)
        configure_logging(self.settings.log, self.settings.is_development)
        self._build()

    def _build(self) -> None:
        settings, catalog = self.settings, self.catalog
        tables = [resource.table for resource in catalog.resources.values()]
        tables += [model.__table__ for model in TABLES]  # type: ignore[misc]  # always a Table here
        self.database = open_database(settings.database, self.project, tables)
        uniques = unique_names(tables)
        self.sessions = open_sessions(settings.database, self.project, uniques)
        self.units = UnitOfWork(self.sessions)
        self.migrations = Migrations(settings.database.url, self.metadata, self.project)
        self.health = Health(self.database, self.migrations.is_current)
        revoked = Revoked()
        self.tokens = AccessTokens(settings.tokens, revoked=revoked)
        self.identity = IdentityParts(settings, self.project, self.database, self.units, self.tokens, revoked)
        callers = Callers(self.tokens, ApiKeys(settings.tokens), self.identity.api_keys)
        self.explainer = RowExplainer(RowClauses(self.database))
        own = [name for name in self.metadata.tables if not name.startswith(PLATFORM_PREFIX)]
        self.doctor = Doctor(catalog, inspection_of(self.database), own)
        self.workshop = Workshop()
        hooks = read_hooks(self.services, catalog, self.workshop)
        plans = Plans(Planner(catalog, settings.rest), CallerKinds(catalog))
        statements, cursors = Statements(self.database.engine), Cursors(secret_of(settings))
        self.tables = build_tables(
            self.own, plans, self.database, statements, uniques, cursors, HookTransactions(self.units, hooks)
        )
        self.workshop.offer(Records, lambda context, session: Records(context, session, self.tables))
        self.actions = Actions(read_actions(self.services, catalog), self.units, self.workshop, self.tables)
        self.together = ResourceTogether(self.tables, JointReads(self.database, statements), self.actions)
        self.users_app = self._users_app()
        self.asgi = self._door(callers, cursors)

    def _door(self, callers: Callers, cursors: Cursors) -> ASGIApp:
        """The controllers, the routes that lead to them, and the middleware around both."""
        settings = self.settings
        by_table, by_row = build_controllers(self.own, self.tables, routes.REST)
        by_name = RpcController(routes.RPC, self.actions, settings.rest)
        batches = Batches(self.units, settings.rest)
        controllers = routes.Controllers(
            live=Live(),
            ready=Ready(self.health),
            rest_root=JsonDocument(self._swagger2(), "application/openapi+json; charset=utf-8"),
            tables=by_table,
            rows=by_row,
            batch=BatchController(routes.REST, by_table, by_row, by_name, batches, settings.rest),
            rpc=by_name,
            functions=FunctionsController(self.actions),
            identity=Endpoints(self.identity.endpoints),
            mail_pages=Endpoints(self.identity.mail_pages),
            nothing=_no_path,
            graphql=graphql_controllers(settings, self.folder, self.together, self.actions, cursors),
            **self._documentation(),
        )
        dispatch = Dispatch(
            routes.exact(controllers), routes.trees(controllers), routes.below(controllers), self.users_app
        )
        return stack(
            dispatch,
            settings.http,
            settings.log,
            authenticate=partial(Authenticate, callers=callers),
            users=self.middleware,
            cookies=partial(CookieSession, sessions=self.identity.cookies, csrf=self.identity.csrf),
            development=settings.is_development,
            debug=settings.debug,
            identity=f"{auth_routes.AUTH}/",
            graphql=routes.GRAPHQL,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request, or the server's lifespan."""
        await self.asgi(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The application with its doors open, for whoever is not an ASGI server.

        Raises:
            ConfigurationError: where it is not development, for every value that is not safe to serve with.
        """
        unsafe = refusals(self.settings, CatalogFacts(tuple(self.catalog.without_rules())))
        if unsafe:
            raise ConfigurationError([f"{found.name}: {found.problem}; {found.fix}" for found in unsafe])
        await self.database.open()
        try:
            await self.identity.open()
            yield
        finally:
            self.health.drain()
            await self.identity.close()
            await self.sessions.close()
            await self.database.close()

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI 3.1 document."""
        return build_document(
            self.catalog,
            title=self.title,
            version="1",
            server_url="/",
            users_document=self.users_app.openapi() if self.routers else None,
            max_rows=self.settings.rest.max_rows,
            endpoints=self.identity.endpoints,
            actions=self.actions.catalog.all(),
            graphql=routes.GRAPHQL if self.settings.graphql.enabled else None,
        )

    def routes(self) -> list[RouteLine]:
        """Every route with the rule that guards it."""
        return [
            *platform_routes(self.settings),
            *endpoint_routes([*self.identity.endpoints, *self.identity.mail_pages]),
            *table_routes(self.catalog),
            *action_routes(self.actions.catalog),
            *users_routes(self.routers),
        ]

    def _users_app(self) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            async with self.running():
                yield

        app = FastAPI(
            title=self.title,
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            lifespan=lifespan,
            redirect_slashes=False,
        )
        app.state.units = self.units
        app.state.workshop = self.workshop
        install_handlers(app)
        for router in self.routers:
            app.include_router(router)
        return app

    def _swagger2(self) -> dict[str, Any]:
        return build_swagger2(self.catalog, title=self.title, version="1", server_url="/")

    def _documentation(self) -> dict[str, Any]:
        if not self.settings.serves_docs:
            return {"openapi": _nothing, "docs": _nothing, "assets": {}}
        page = DocsPage(title=self.title)
        assets = dict.fromkeys(page.answers, page)
        return {"openapi": JsonDocument(self.openapi()), "docs": page, "assets": assets}


def catalog_of(package: str) -> Catalog:
    """The catalog of a package's models, without building the application."""
    return read_catalog(_models_in(_import_rooms(package)))


def catalogs_of(package: str) -> tuple[Catalog, ActionCatalog]:
    """The same, with the actions of its services."""
    modules = _import_rooms(package)
    catalog = read_catalog(_models_in(modules))
    return catalog, read_actions(_services_in(modules), catalog)


async def _no_path(scope: Scope, receive: Receive, send: Send) -> None:
    raise BackstayError("PGRST125")


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    raise BackstayError("not_found")


def _import_rooms(package: str) -> list[ModuleType]:
    """Import every module of the package's rooms, in the order of the rooms."""
    root = importlib.import_module(package)
    modules = []
    for room in ROOMS:
        name = f"{package}.{room}"
        if importlib.util.find_spec(name) is None:
            continue
        top = importlib.import_module(name)
        modules.append(top)
        inside = pkgutil.walk_packages(getattr(top, "__path__", ()), f"{name}.")
        modules += [importlib.import_module(found.name) for found in inside]
    if not modules:
        raise ConfigurationError([f"the package '{root.__name__}' has none of the rooms {', '.join(ROOMS)}"])
    return modules


def _project_of(package: str) -> Path:
    """The folder that holds the package."""
    file = sys.modules[package].__file__
    paths = getattr(sys.modules[package], "__path__", None)
    return Path(file).parent.parent if file else Path(next(iter(paths or ["."]))).parent


def _models_in(modules: Iterable[ModuleType]) -> tuple[type[Model], ...]:
    """The mapped classes that those modules define, in the order in which they define them."""
    names = {module.__name__ for module in modules}
    mapped = [mapper.class_ for mapper in Model.registry.mappers if mapper.class_.__module__ in names]
    return tuple(sorted(mapped, key=lambda model: model.__tablename__))


def _services_in(modules: Iterable[ModuleType]) -> tuple[type[Service], ...]:
    """The services that those modules define, in the order in which they define them."""
    return tuple(
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Service) and value.__module__ == module.__name__
    )


def _routers_in(modules: Iterable[ModuleType]) -> tuple[APIRouter, ...]:
    routers = {
        id(value): value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, APIRouter)
    }
    return tuple(routers.values())


def _middleware_in(modules: Iterable[ModuleType]) -> tuple[Layer, ...]:
    """The list `MIDDLEWARE` of the room of that name, which says the order."""
    found = [layer for module in modules for layer in vars(module).get("MIDDLEWARE", ())]
    wrong = [str(layer) for layer in found if not callable(layer)]
    if wrong:
        raise ConfigurationError([f"MIDDLEWARE holds {name}, which is no ASGI layer" for name in wrong])
    return tuple(found)
