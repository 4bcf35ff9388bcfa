"""search of airports and trips."""

from backstay.repositories.migrations.searches import create_search, drop_search

revision = "f706fc04c806"
down_revision = "4ac6aaacebf7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply, on SQLite and PostgreSQL alike."""
    create_search("airports", "search", ["name", "city"], config="simple")
    create_search("trips", "search", ["title", "notes"], config="english")


def downgrade() -> None:
    """Undo."""
    drop_search("trips", "search")
    drop_search("airports", "search")
