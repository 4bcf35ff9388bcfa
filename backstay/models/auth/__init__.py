"""Identity's nouns: one file per subject. `TABLES` lists every mapped class of the platform."""

from backstay.models.auth.authority import Revocation, StoredKey
from backstay.models.auth.factor import Challenge, Factor, RecoveryCode
from backstay.models.auth.identity import Identity
from backstay.models.auth.one_time import Flow, OneTimeToken
from backstay.models.auth.records import AuditEntry, Throttle
from backstay.models.auth.role import ApiKey, Grant, Role
from backstay.models.auth.session import AuthSession
from backstay.models.auth.user import User
from backstay.models.base import Model

TABLES: tuple[type[Model], ...] = (
    User,
    Identity,
    AuthSession,
    OneTimeToken,
    Flow,
    Factor,
    Challenge,
    RecoveryCode,
    Role,
    ApiKey,
    Grant,
    StoredKey,
    Revocation,
    Throttle,
    AuditEntry,
)
