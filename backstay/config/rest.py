"""Settings of the generated API."""

from pydantic import BaseModel, ConfigDict, Field


class RestSettings(BaseModel):
    """`[rest]` in the TOML files, `BACKSTAY_REST__…` in the environment.

    Attributes:
        max_rows: most rows of one array in an answer, embedded arrays included.
        max_depth: most levels of embeds below the resource.
        max_write_rows: most rows of one insert.
        max_batch_operations: most operations of one batch, which together read and write at most `max_write_rows` rows.
        require_preconditions: PATCH, PUT and DELETE of one row need `If-Match` (428 without).
        aggregates: `sum()` and its kind may be selected (PGRST123 when not).
        tx_override: `Prefer: tx=rollback` is honoured: a write is tried, answered and undone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_rows: int = Field(default=1000, ge=1)
    max_depth: int = Field(default=6, ge=0, le=20)
    max_embeds: int = Field(default=30, ge=0)
    max_conditions: int = Field(default=100, ge=1)
    max_write_rows: int = Field(default=10_000, ge=1)
    max_batch_operations: int = Field(default=100, ge=1)
    require_preconditions: bool = False
    aggregates: bool = True
    tx_override: bool = False
