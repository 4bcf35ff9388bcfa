"""the atlas."""

import sqlalchemy as sa
from alembic import op
from backstay.models.types import portable

revision = "4ac6aaacebf7"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply, on SQLite and PostgreSQL alike."""
    op.create_table(
        "countries",
        sa.Column("code", portable(sa.String(length=2)), nullable=False),
        sa.Column("alpha3", portable(sa.String(length=3)), nullable=False),
        sa.Column("numeric", portable(sa.String(length=3)), nullable=True),
        sa.Column("name", portable(sa.String(length=100)), nullable=False),
        sa.Column("official_name", portable(sa.String(length=200)), nullable=True),
        sa.Column("flag", portable(sa.String(length=8)), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("countries_pkey")),
        sa.UniqueConstraint("alpha3", name=op.f("countries_alpha3_key")),
        sa.UniqueConstraint("numeric", name=op.f("countries_numeric_key")),
    )
    with op.batch_alter_table("countries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_countries_name"), ["name"], unique=False)

    op.create_table(
        "airports",
        sa.Column("icao", portable(sa.String(length=4)), nullable=False),
        sa.Column("iata", portable(sa.String(length=3)), nullable=True),
        sa.Column("name", portable(sa.String(length=200)), nullable=False),
        sa.Column("city", portable(sa.String(length=100)), nullable=True),
        sa.Column("country_code", portable(sa.String(length=2)), nullable=False),
        sa.Column("subdivision", portable(sa.String(length=100)), nullable=True),
        sa.Column("elevation", sa.Integer(), nullable=True),
        sa.Column("lat", sa.Float(precision=53), nullable=False),
        sa.Column("lon", sa.Float(precision=53), nullable=False),
        sa.Column("tz", portable(sa.String(length=50)), nullable=False),
        sa.CheckConstraint("lat BETWEEN -90 AND 90", name=op.f("airports_lat_check")),
        sa.CheckConstraint("lon BETWEEN -180 AND 180", name=op.f("airports_lon_check")),
        sa.ForeignKeyConstraint(
            ["country_code"], ["countries.code"], name=op.f("airports_country_code_fkey")
        ),
        sa.PrimaryKeyConstraint("icao", name=op.f("airports_pkey")),
    )
    with op.batch_alter_table("airports", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_airports_city"), ["city"], unique=False)
        batch_op.create_index(batch_op.f("ix_airports_country_code"), ["country_code"], unique=False)
        batch_op.create_index(batch_op.f("ix_airports_iata"), ["iata"], unique=False)
        batch_op.create_index(batch_op.f("ix_airports_name"), ["name"], unique=False)

    op.create_table(
        "subdivisions",
        sa.Column("code", portable(sa.String(length=6)), nullable=False),
        sa.Column("name", portable(sa.String(length=100)), nullable=False),
        sa.Column("type", portable(sa.String(length=60)), nullable=False),
        sa.Column("country_code", portable(sa.String(length=2)), nullable=False),
        sa.Column("parent_code", portable(sa.String(length=6)), nullable=True),
        sa.ForeignKeyConstraint(
            ["country_code"], ["countries.code"], name=op.f("subdivisions_country_code_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["parent_code"], ["subdivisions.code"], name=op.f("subdivisions_parent_code_fkey")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("subdivisions_pkey")),
    )
    with op.batch_alter_table("subdivisions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_subdivisions_country_code"), ["country_code"], unique=False)
        batch_op.create_index(batch_op.f("ix_subdivisions_name"), ["name"], unique=False)
        batch_op.create_index(batch_op.f("ix_subdivisions_parent_code"), ["parent_code"], unique=False)

    op.create_table(
        "reviews",
        sa.Column("id", portable(sa.Uuid()), nullable=False),
        sa.Column("airport_code", portable(sa.String(length=4)), nullable=False),
        sa.Column("author_id", portable(sa.Uuid()), nullable=False),
        sa.Column("rating", portable(sa.SmallInteger()), nullable=False),
        sa.Column("text", portable(sa.String(length=2000)), nullable=True),
        sa.Column("created_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("reviews_rating_check")),
        sa.ForeignKeyConstraint(["airport_code"], ["airports.icao"], name=op.f("reviews_airport_code_fkey")),
        sa.ForeignKeyConstraint(["author_id"], ["backstay_users.id"], name=op.f("reviews_author_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("reviews_pkey")),
    )
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reviews_airport_code"), ["airport_code"], unique=False)
        batch_op.create_index(batch_op.f("ix_reviews_author_id"), ["author_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reviews_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_reviews_rating"), ["rating"], unique=False)

    op.create_table(
        "trips",
        sa.Column("id", portable(sa.Uuid()), nullable=False),
        sa.Column("owner_id", portable(sa.Uuid()), nullable=False),
        sa.Column("airport_code", portable(sa.String(length=4)), nullable=False),
        sa.Column("title", portable(sa.String(length=120)), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("nights", portable(sa.SmallInteger()), nullable=True),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("cost", portable(sa.Numeric(precision=10, scale=2)), nullable=True),
        sa.Column("notes", portable(sa.Text()), nullable=True),
        sa.Column("created_at", portable(sa.DateTime(timezone=True)), nullable=False),
        sa.CheckConstraint("nights BETWEEN 0 AND 365", name=op.f("trips_nights_check")),
        sa.ForeignKeyConstraint(["airport_code"], ["airports.icao"], name=op.f("trips_airport_code_fkey")),
        sa.ForeignKeyConstraint(["owner_id"], ["backstay_users.id"], name=op.f("trips_owner_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("trips_pkey")),
    )
    with op.batch_alter_table("trips", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_trips_airport_code"), ["airport_code"], unique=False)
        batch_op.create_index(batch_op.f("ix_trips_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_trips_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_trips_starts_on"), ["starts_on"], unique=False)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("trips", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_trips_starts_on"))
        batch_op.drop_index(batch_op.f("ix_trips_owner_id"))
        batch_op.drop_index(batch_op.f("ix_trips_created_at"))
        batch_op.drop_index(batch_op.f("ix_trips_airport_code"))

    op.drop_table("trips")
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reviews_rating"))
        batch_op.drop_index(batch_op.f("ix_reviews_created_at"))
        batch_op.drop_index(batch_op.f("ix_reviews_author_id"))
        batch_op.drop_index(batch_op.f("ix_reviews_airport_code"))

    op.drop_table("reviews")
    with op.batch_alter_table("subdivisions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_subdivisions_parent_code"))
        batch_op.drop_index(batch_op.f("ix_subdivisions_name"))
        batch_op.drop_index(batch_op.f("ix_subdivisions_country_code"))

    op.drop_table("subdivisions")
    with op.batch_alter_table("airports", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_airports_name"))
        batch_op.drop_index(batch_op.f("ix_airports_iata"))
        batch_op.drop_index(batch_op.f("ix_airports_country_code"))
        batch_op.drop_index(batch_op.f("ix_airports_city"))

    op.drop_table("airports")
    with op.batch_alter_table("countries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_countries_name"))

    op.drop_table("countries")
