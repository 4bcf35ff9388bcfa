"""The door to the database's structure: Alembic migrations of the platform's tables and of the project's."""

from backstay.repositories.migrations.runner import Migrations, Notify, Status, Step

__all__ = ["Migrations", "Notify", "Status", "Step"]
