"""Users."""

import sqlalchemy as sa
from alembic import op

from backstay.models.types import portable

revision = "p0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply, on SQLite and PostgreSQL alike."""
    op.create_table(
        "backstay_users",
        sa.Column("id", portable(sa.Uuid()), nullable=False),
        sa.Column("email", portable(sa.String(length=254)), nullable=True),
        sa.Column("created_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("backstay_users_pkey")),
        sa.UniqueConstraint("email", name=op.f("backstay_users_email_key")),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("backstay_users")
