"""Identity: users, and everything that proves one."""

import sqlalchemy as sa
from alembic import op

from backstay.models.types import portable

revision = "p0002"
down_revision = "p0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply, on SQLite and PostgreSQL alike."""
    _users()
    _sign_ins()
    _one_time()
    _factors()


def _users() -> None:
    # Plain columns and indexes: adding a constraint would make SQLite copy a table that others point at.
    for column in (
        sa.Column("email_key", portable(sa.String(length=254)), nullable=True),
        sa.Column("password_hash", portable(sa.String(length=255)), nullable=True),
        sa.Column("email_confirmed_at", portable(sa.DateTime(timezone=True)), nullable=True),
        sa.Column("invited_at", portable(sa.DateTime(timezone=True)), nullable=True),
        sa.Column("confirmation_sent_at", portable(sa.DateTime(timezone=True)), nullable=True),
        sa.Column("recovery_sent_at", portable(sa.DateTime(timezone=True)), nullable=True),
        sa.Column("reauthentication_sent_at", portable(sa.DateTime(timezone=True)), nullable=True),
        sa.Column("new_email", portable(sa.String(length=254)), nullable=True),
        sa.Column("new_email_key", portable(sa.String(length=254)), nullable=True),
        sa.Column("email_change_sent_at", portable(sa.DateTime(timezone=True)), nullable=True),
        sa.Column("email_change_confirmed", portable(sa.SmallInteger()), server_default="0", nullable=False),
        sa.Column("last_sign_in_at", portable(sa.DateTime(timezone=True)), nullable=True),
        sa.Column("banned_until", portable(sa.DateTime(timezone=True)), nullable=True),
        sa.Column("deleted_at", portable(sa.DateTime(timezone=True)), nullable=True),
        sa.Column("is_anonymous", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("authority", portable(sa.BigInteger()), server_default="0", nullable=False),
        sa.Column("user_metadata", portable(sa.JSON()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("app_metadata", portable(sa.JSON()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("updated_at", portable(sa.DateTime(timezone=True)), nullable=True),
    ):
        op.add_column("backstay_users", column)
    op.execute("UPDATE backstay_users SET email_key = lower(email)")
    op.create_index(op.f("ix_backstay_users_email_key"), "backstay_users", ["email_key"], unique=True)
    op.create_index(
        op.f("ix_backstay_users_new_email_key"), "backstay_users", ["new_email_key"], unique=False
    )


def _sign_ins() -> None:
    op.create_table(
        "backstay_identities",
        sa.Column("id", portable(sa.Uuid()), nullable=False),
        sa.Column("user_id", portable(sa.Uuid()), nullable=False),
        sa.Column("provider", portable(sa.String(length=50)), nullable=False),
        sa.Column("issuer", portable(sa.String(length=255)), nullable=False),
        sa.Column("subject", portable(sa.String(length=255)), nullable=False),
        sa.Column("email", portable(sa.String(length=254)), nullable=True),
        sa.Column("data", portable(sa.JSON()), nullable=False),
        sa.Column("last_sign_in_at", portable(sa.DateTime(timezone=True)), nullable=True),
        sa.Column("created_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("updated_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["backstay_users.id"],
            name=op.f("backstay_identities_user_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("backstay_identities_pkey")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("backstay_identities_issuer_subject_key")),
    )
    op.create_index(op.f("ix_backstay_identities_user_id"), "backstay_identities", ["user_id"], unique=False)
    op.create_table(
        "backstay_sessions",
        sa.Column("id", portable(sa.Uuid()), nullable=False),
        sa.Column("user_id", portable(sa.Uuid()), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("counter", portable(sa.BigInteger()), nullable=False),
        sa.Column("level", portable(sa.SmallInteger()), nullable=False),
        sa.Column("methods", portable(sa.JSON()), nullable=False),
        sa.Column("client_ip", portable(sa.String(length=45)), nullable=False),
        sa.Column("user_agent", portable(sa.String(length=300)), nullable=False),
        sa.Column("created_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("renewed_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("expires_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["backstay_users.id"],
            name=op.f("backstay_sessions_user_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("backstay_sessions_pkey")),
    )
    op.create_index(
        op.f("ix_backstay_sessions_expires_at"), "backstay_sessions", ["expires_at"], unique=False
    )
    op.create_index(op.f("ix_backstay_sessions_user_id"), "backstay_sessions", ["user_id"], unique=False)


def _one_time() -> None:
    op.create_table(
        "backstay_one_time_tokens",
        sa.Column("id", portable(sa.Uuid()), nullable=False),
        sa.Column("user_id", portable(sa.Uuid()), nullable=False),
        sa.Column("purpose", portable(sa.String(length=30)), nullable=False),
        sa.Column("address", portable(sa.String(length=254)), nullable=False),
        sa.Column("link_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("attempts_left", portable(sa.SmallInteger()), nullable=False),
        sa.Column("flow_id", portable(sa.Uuid()), nullable=True),
        sa.Column("created_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("code_expires_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("link_expires_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["backstay_users.id"],
            name=op.f("backstay_one_time_tokens_user_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("backstay_one_time_tokens_pkey")),
        sa.UniqueConstraint("link_hash", name=op.f("backstay_one_time_tokens_link_hash_key")),
        sa.UniqueConstraint("user_id", "purpose", name=op.f("backstay_one_time_tokens_user_id_purpose_key")),
    )
    op.create_index(
        op.f("ix_backstay_one_time_tokens_link_expires_at"),
        "backstay_one_time_tokens",
        ["link_expires_at"],
        unique=False,
    )
    op.create_table(
        "backstay_flows",
        sa.Column("id", portable(sa.Uuid()), nullable=False),
        sa.Column("kind", portable(sa.String(length=10)), nullable=False),
        sa.Column("user_id", portable(sa.Uuid()), nullable=True),
        sa.Column("method", portable(sa.String(length=30)), nullable=True),
        sa.Column("challenge", portable(sa.String(length=128)), nullable=True),
        sa.Column("challenge_method", portable(sa.String(length=10)), nullable=True),
        sa.Column("state_hash", sa.LargeBinary(), nullable=True),
        sa.Column("secrets", sa.LargeBinary(), nullable=True),
        sa.Column("code_hash", sa.LargeBinary(), nullable=True),
        sa.Column("data", portable(sa.JSON()), nullable=False),
        sa.Column("created_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("state_used_at", portable(sa.DateTime(timezone=True)), nullable=True),
        sa.Column("code_used_at", portable(sa.DateTime(timezone=True)), nullable=True),
        sa.Column("session_id", portable(sa.Uuid()), nullable=True),
        sa.Column("expires_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["backstay_users.id"], name=op.f("backstay_flows_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("backstay_flows_pkey")),
        sa.UniqueConstraint("code_hash", name=op.f("backstay_flows_code_hash_key")),
        sa.UniqueConstraint("state_hash", name=op.f("backstay_flows_state_hash_key")),
    )
    op.create_index(op.f("ix_backstay_flows_expires_at"), "backstay_flows", ["expires_at"], unique=False)
    op.create_index(op.f("ix_backstay_flows_user_id"), "backstay_flows", ["user_id"], unique=False)


def _factors() -> None:
    op.create_table(
        "backstay_factors",
        sa.Column("id", portable(sa.Uuid()), nullable=False),
        sa.Column("user_id", portable(sa.Uuid()), nullable=False),
        sa.Column("kind", portable(sa.String(length=20)), nullable=False),
        sa.Column("friendly_name", portable(sa.String(length=100)), nullable=True),
        sa.Column("status", portable(sa.String(length=12)), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", portable(sa.BigInteger()), nullable=False),
        sa.Column("last_challenged_at", portable(sa.DateTime(timezone=True)), nullable=True),
        sa.Column("created_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("updated_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["backstay_users.id"], name=op.f("backstay_factors_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("backstay_factors_pkey")),
        sa.UniqueConstraint(
            "user_id", "friendly_name", name=op.f("backstay_factors_user_id_friendly_name_key")
        ),
    )
    op.create_table(
        "backstay_challenges",
        sa.Column("id", portable(sa.Uuid()), nullable=False),
        sa.Column("factor_id", portable(sa.Uuid()), nullable=False),
        sa.Column("session_id", portable(sa.Uuid()), nullable=True),
        sa.Column("created_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("expires_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.ForeignKeyConstraint(
            ["factor_id"],
            ["backstay_factors.id"],
            name=op.f("backstay_challenges_factor_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("backstay_challenges_pkey")),
    )
    op.create_index(
        op.f("ix_backstay_challenges_expires_at"), "backstay_challenges", ["expires_at"], unique=False
    )
    op.create_index(
        op.f("ix_backstay_challenges_factor_id"), "backstay_challenges", ["factor_id"], unique=False
    )
    op.create_table(
        "backstay_recovery_codes",
        sa.Column("id", portable(sa.Uuid()), nullable=False),
        sa.Column("user_id", portable(sa.Uuid()), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["backstay_users.id"],
            name=op.f("backstay_recovery_codes_user_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("backstay_recovery_codes_pkey")),
        sa.UniqueConstraint(
            "user_id", "code_hash", name=op.f("backstay_recovery_codes_user_id_code_hash_key")
        ),
    )


def downgrade() -> None:
    """Undo."""
    for name in ("new_email_key", "email_key"):
        op.drop_index(op.f(f"ix_backstay_users_{name}"), "backstay_users")
    for name in (
        "updated_at",
        "app_metadata",
        "user_metadata",
        "authority",
        "is_anonymous",
        "deleted_at",
        "banned_until",
        "last_sign_in_at",
        "email_change_confirmed",
        "email_change_sent_at",
        "new_email_key",
        "new_email",
        "reauthentication_sent_at",
        "recovery_sent_at",
        "confirmation_sent_at",
        "invited_at",
        "email_confirmed_at",
        "password_hash",
        "email_key",
    ):
        op.drop_column("backstay_users", name)
    for table in (
        "challenges",
        "recovery_codes",
        "factors",
        "one_time_tokens",
        "flows",
        "sessions",
        "identities",
    ):
        op.drop_table(f"backstay_{table}")
