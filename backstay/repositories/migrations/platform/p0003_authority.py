"""Identity: roles and keys, what makes a token good or bad, and the records of attempts."""

import sqlalchemy as sa
from alembic import op

from backstay.models.types import portable
from backstay.utils.clock import utc_now

revision = "p0003"
down_revision = "p0002"
branch_labels = None
depends_on = None


# What an administrator may do with the admin endpoints; the other two start empty, for rules to name.
DEFAULT_ROLES = {"admin": ["users:*", "roles:*", "api_keys:*", "audit:*"], "editor": [], "user": []}


def upgrade() -> None:
    """Apply, on SQLite and PostgreSQL alike."""
    _roles()
    _grants()
    _authority()
    _records()
    _keep_records()


def _roles() -> None:
    op.create_table(
        "backstay_roles",
        sa.Column("name", portable(sa.String(length=100)), nullable=False),
        sa.Column("description", portable(sa.String(length=500)), nullable=False),
        sa.Column("permissions", portable(sa.JSON()), nullable=False),
        sa.Column("created_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("backstay_roles_pkey")),
    )
    roles = sa.table(
        "backstay_roles",
        sa.column("name", sa.String()),
        sa.column("description", sa.String()),
        sa.column("permissions", portable(sa.JSON())),
        sa.column("created_at", portable(sa.DateTime(timezone=True))),
    )
    for name, permissions in DEFAULT_ROLES.items():
        values = {"name": name, "description": "", "permissions": permissions, "created_at": utc_now()}
        op.execute(roles.insert().values(values))


def _grants() -> None:
    op.create_table(
        "backstay_api_keys",
        sa.Column("id", portable(sa.Uuid()), nullable=False),
        sa.Column("name", portable(sa.String(length=100)), nullable=False),
        sa.Column("prefix", portable(sa.String(length=40)), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("above_rules", sa.Boolean(), nullable=False),
        sa.Column("permissions", portable(sa.JSON()), nullable=False),
        sa.Column("created_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("expires_at", portable(sa.DateTime(timezone=True)), nullable=True),
        sa.Column("last_used_at", portable(sa.DateTime(timezone=True)), nullable=True),
        sa.Column("revoked_at", portable(sa.DateTime(timezone=True)), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("backstay_api_keys_pkey")),
        sa.UniqueConstraint("key_hash", name=op.f("backstay_api_keys_key_hash_key")),
        sa.UniqueConstraint("name", name=op.f("backstay_api_keys_name_key")),
    )
    op.create_table(
        "backstay_grants",
        sa.Column("id", portable(sa.Uuid()), nullable=False),
        sa.Column("user_id", portable(sa.Uuid()), nullable=True),
        sa.Column("api_key_id", portable(sa.Uuid()), nullable=True),
        sa.Column("role", portable(sa.String(length=100)), nullable=False),
        sa.Column("created_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.CheckConstraint(
            "(user_id IS NULL) <> (api_key_id IS NULL)", name=op.f("backstay_grants_one_holder_check")
        ),
        sa.ForeignKeyConstraint(
            ["api_key_id"],
            ["backstay_api_keys.id"],
            name=op.f("backstay_grants_api_key_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["role"], ["backstay_roles.name"], name=op.f("backstay_grants_role_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["backstay_users.id"], name=op.f("backstay_grants_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("backstay_grants_pkey")),
        sa.UniqueConstraint("api_key_id", "role", name=op.f("backstay_grants_api_key_id_role_key")),
        sa.UniqueConstraint("user_id", "role", name=op.f("backstay_grants_user_id_role_key")),
    )
    op.create_index(op.f("ix_backstay_grants_role"), "backstay_grants", ["role"], unique=False)


def _authority() -> None:
    op.create_table(
        "backstay_signing_keys",
        sa.Column("kid", portable(sa.String(length=64)), nullable=False),
        sa.Column("algorithm", portable(sa.String(length=10)), nullable=False),
        sa.Column("public", portable(sa.JSON()), nullable=False),
        sa.Column("sealed_private", sa.LargeBinary(), nullable=False),
        sa.Column("state", portable(sa.String(length=10)), nullable=False),
        sa.Column("created_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("retired_at", portable(sa.DateTime(timezone=True)), nullable=True),
        sa.PrimaryKeyConstraint("kid", name=op.f("backstay_signing_keys_pkey")),
    )
    op.create_index(
        "ix_backstay_signing_keys_current",
        "backstay_signing_keys",
        ["state"],
        unique=True,
        sqlite_where=sa.text("state = 'current'"),
        postgresql_where=sa.text("state = 'current'"),
    )
    op.create_table(
        "backstay_revocations",
        sa.Column("id", portable(sa.Uuid()), nullable=False),
        sa.Column("created_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("user_id", portable(sa.Uuid()), nullable=True),
        sa.Column("session_id", portable(sa.Uuid()), nullable=True),
        sa.Column("api_key_id", portable(sa.Uuid()), nullable=True),
        sa.Column("authority", portable(sa.BigInteger()), nullable=True),
        sa.Column("grants", portable(sa.JSON()), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("backstay_revocations_pkey")),
    )
    op.create_index(
        op.f("ix_backstay_revocations_created_at"), "backstay_revocations", ["created_at"], unique=False
    )


def _records() -> None:
    op.create_table(
        "backstay_throttles",
        sa.Column("key", portable(sa.String(length=64)), nullable=False),
        sa.Column("until", portable(sa.BigInteger()), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("backstay_throttles_pkey")),
    )
    op.create_index(op.f("ix_backstay_throttles_until"), "backstay_throttles", ["until"], unique=False)
    op.create_table(
        "backstay_audit_log",
        sa.Column("id", portable(sa.Uuid()), nullable=False),
        sa.Column("created_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("event", portable(sa.String(length=60)), nullable=False),
        sa.Column("actor", portable(sa.String(length=40)), nullable=False),
        sa.Column("user_id", portable(sa.Uuid()), nullable=True),
        sa.Column("session_id", portable(sa.Uuid()), nullable=True),
        sa.Column("request_id", portable(sa.String(length=128)), nullable=False),
        sa.Column("client_ip", portable(sa.String(length=45)), nullable=False),
        sa.Column("details", portable(sa.JSON()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("backstay_audit_log_pkey")),
    )
    op.create_index(
        op.f("ix_backstay_audit_log_created_at"), "backstay_audit_log", ["created_at"], unique=False
    )
    op.create_index(op.f("ix_backstay_audit_log_user_id"), "backstay_audit_log", ["user_id"], unique=False)


def _keep_records() -> None:
    """The audit log grows and does nothing else, whoever asks."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER backstay_audit_log_no_{verb.lower()} BEFORE {verb} ON backstay_audit_log"
                " BEGIN SELECT RAISE(ABORT, 'backstay_audit_log is append-only'); END"
            )
        # INSERT OR REPLACE removes a line without firing the trigger of DELETE.
        op.execute(
            "CREATE TRIGGER backstay_audit_log_no_replace BEFORE INSERT ON backstay_audit_log"
            " WHEN EXISTS (SELECT 1 FROM backstay_audit_log WHERE id = NEW.id OR rowid = NEW.rowid)"
            " BEGIN SELECT RAISE(ABORT, 'backstay_audit_log is append-only'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION backstay_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'backstay_audit_log is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER backstay_audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON backstay_audit_log"
        " FOR EACH STATEMENT EXECUTE FUNCTION backstay_refuse_change()"
    )


def downgrade() -> None:
    """Undo."""
    for table in ("grants", "api_keys", "roles", "signing_keys", "revocations", "throttles", "audit_log"):
        op.drop_table(f"backstay_{table}")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION backstay_refuse_change()")
