"""Settings of the database."""

from pydantic import BaseModel, ConfigDict, Field


class DatabaseSettings(BaseModel):
    """`[database]` in the TOML files, `BACKSTAY_DATABASE__…` in the environment.

    `url` is `sqlite:///path` (relative to the project) or `postgresql://user:password@host/name`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(default="sqlite:///.data/app.db", repr=False)  # may hold a password
    pool_size: int = Field(default=8, ge=1, le=200)
    pool_timeout_seconds: float = Field(default=5.0, gt=0)
    statement_timeout_seconds: float = Field(default=5.0, gt=0)
    inline_read_milliseconds: float = Field(default=1.0, gt=0)
    reader_threads: int = Field(default=2, ge=1, le=16)

    @property
    def engine(self) -> str:
        """`sqlite` or `postgresql`."""
        return "sqlite" if self.url.startswith("sqlite") else "postgresql"
