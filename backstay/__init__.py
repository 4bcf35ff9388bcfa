"""Backstay: a complete production backend around your SQLAlchemy models, access rules and business logic."""

from backstay.app import Backstay
from backstay.controllers.dependencies import Current, Use, requires
from backstay.controllers.resources.table_controller import TableController
from backstay.errors import ApplicationError, BackstayError, FieldProblem
from backstay.models.access.rules import Access
from backstay.models.access.terms import caller
from backstay.models.auth.user import User
from backstay.models.base import Model, primary_key
from backstay.models.search import Search
from backstay.repositories.repository import Repository
from backstay.repositories.resources.fetch import TableRepository
from backstay.services.action import Event, Events, File, Stream, Upload, action
from backstay.services.context import Context
from backstay.services.resources.records import Records
from backstay.services.resources.table_service import TableService
from backstay.services.service import Service

__all__ = [
    "Access",
    "ApplicationError",
    "Backstay",
    "BackstayError",
    "Context",
    "Current",
    "Event",
    "Events",
    "FieldProblem",
    "File",
    "Model",
    "Records",
    "Repository",
    "Search",
    "Service",
    "Stream",
    "TableController",
    "TableRepository",
    "TableService",
    "Upload",
    "Use",
    "User",
    "action",
    "caller",
    "primary_key",
    "requires",
]
