"""Settings of passwords: how long they are, and what checking one costs."""

from pydantic import BaseModel, ConfigDict, Field, model_validator

# Memory in KiB times passes. Of the Argon2id parameters that OWASP's Password Storage Cheat Sheet holds equal, this is
# the least product: 7 MiB in 5 passes.
LEAST_WORK = 7168 * 5


class PasswordSettings(BaseModel):
    """`[passwords]` in the TOML files, `BACKSTAY_PASSWORDS__…` in the environment or `*_FILE` secret files.

    Attributes:
        minimum_length: in code points after NFC; 15 where a password is the only factor, 8 where a second one is
            demanded (NIST SP 800-63B-4 section 3.1.1.2).
        maximum_length: likewise. Nobody signs in any more with a password longer than this.
        hash_memory_kib, hash_passes, hash_lanes: Argon2id's m, t and p (RFC 9106).
        concurrent_hashes: threads per process that hash; each takes `hash_memory_kib` while it does.
        waiting_hashes: how many more may wait for a thread before the next one is turned away.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    minimum_length: int = Field(default=15, ge=8, le=64)
    maximum_length: int = Field(default=256, ge=64, le=4096)
    hash_memory_kib: int = Field(default=19456, ge=7168, le=1024 * 1024)
    hash_passes: int = Field(default=2, ge=1, le=16)
    hash_lanes: int = Field(default=1, ge=1, le=16)
    concurrent_hashes: int = Field(default=1, ge=1, le=64)
    waiting_hashes: int = Field(default=64, ge=0, le=10_000)

    @model_validator(mode="after")
    def _costly(self) -> "PasswordSettings":
        if self.hash_memory_kib * self.hash_passes < LEAST_WORK:
            raise ValueError(f"hash_passes: hash_memory_kib times hash_passes is less than {LEAST_WORK}")
        return self
