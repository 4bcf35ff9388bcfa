"""The door to the database's structure: Alembic migrations of the platform's tables and of the project's."""
