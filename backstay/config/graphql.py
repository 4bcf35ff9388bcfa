"""Settings of the GraphQL door."""

from pydantic import BaseModel, ConfigDict, Field


class GraphQLSettings(BaseModel):
    """`[graphql]` in the TOML files, `BACKSTAY_GRAPHQL__…` in the environment.

    What a request may ask of the database is bounded by `[rest]` as well: its rows, depth, embeds and conditions.

    Attributes:
        introspection, suggestions, page: whether the schema can be asked for, errors guess at names, and a browser is
            shown a page to try queries; None for yes in development and no elsewhere.
        trusted_only: only the documents in the folder `graphql` of the package are run.
        persisted: most documents that clients may register by their hash, in each process; 0 for none.
        default_rows, max_rows: of one connection.
        max_depth: most levels of fields; `edges` and `node` are none.
        max_repeats: how often one field may be written at one place.
        max_cost: sum of all fields, each taken as often as there can be rows around it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    introspection: bool | None = None
    suggestions: bool | None = None
    page: bool | None = None
    trusted_only: bool = False
    persisted: int = Field(default=1000, ge=0)
    default_rows: int = Field(default=30, ge=1)
    max_rows: int = Field(default=100, ge=1)
    max_bytes: int = Field(default=15_000, ge=100)
    max_variables_bytes: int = Field(default=262_144, ge=100)
    max_tokens: int = Field(default=1000, ge=10)
    max_depth: int = Field(default=10, ge=1)
    max_aliases: int = Field(default=15, ge=0)
    max_directives: int = Field(default=50, ge=0)
    max_root_fields: int = Field(default=20, ge=1)
    max_fields: int = Field(default=1000, ge=1)
    max_repeats: int = Field(default=20, ge=1)
    max_cost: int = Field(default=5000, ge=1)
