"""The part of the composition root that builds identity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from backstay.config.providers import ProviderSettings, ProvidersSettings
from backstay.config.settings import Settings
from backstay.controllers.auth.access_admin import AccessAdmin
from backstay.controllers.auth.admin import UserAdmin
from backstay.controllers.auth.carry import Carry
from backstay.controllers.auth.factors import FactorEndpoints
from backstay.controllers.auth.mail import ByMail
from backstay.controllers.auth.meta import Meta
from backstay.controllers.auth.oauth import AtProviders
from backstay.controllers.auth.sign_in import SignIn
from backstay.controllers.endpoints import Endpoint
from backstay.controllers.mail.pages import MailPages
from backstay.repositories.auth.providers import Provider
from backstay.repositories.auth.providers.github import GithubProvider
from backstay.repositories.auth.providers.oidc import OidcProvider
from backstay.repositories.auth.sign_ins import SignInRepository
from backstay.repositories.database import Database
from backstay.repositories.mail import Mailer
from backstay.repositories.mail.folder import FolderMailer
from backstay.repositories.mail.smtp import SmtpMailer
from backstay.routes import auth as routes
from backstay.routes import mail as mail_routes
from backstay.services.auth.accounts import Accounts
from backstay.services.auth.administration import Administration
from backstay.services.auth.audit import Audit
from backstay.services.auth.audit_log import AuditLog
from backstay.services.auth.authority import Authority
from backstay.services.auth.changes import AccountChanges
from backstay.services.auth.code_exchange import CodeExchange
from backstay.services.auth.cookie_sessions import CookieSessions
from backstay.services.auth.csrf import Csrf
from backstay.services.auth.email_change import EmailChange
from backstay.services.auth.factor_removal import FactorRemoval
from backstay.services.auth.factors import Factors
from backstay.services.auth.flows import Flows
from backstay.services.auth.invitations import Invitations
from backstay.services.auth.known_callers import KnownCallers
from backstay.services.auth.letters import Letters
from backstay.services.auth.linking import Linking
from backstay.services.auth.mail_sign_in import MailSignIn
from backstay.services.auth.oauth import OAuth
from backstay.services.auth.one_time import OneTimeCodes
from backstay.services.auth.password_policy import PasswordPolicy, shipped_blocklist
from backstay.services.auth.passwords import Passwords
from backstay.services.auth.recovery_codes import RecoveryCodes
from backstay.services.auth.redirects import Redirects
from backstay.services.auth.refresh_tokens import RefreshTokens
from backstay.services.auth.revoked import Revoked
from backstay.services.auth.roles import Roles
from backstay.services.auth.sessions import AuthSessions
from backstay.services.auth.stored_api_keys import StoredApiKeys
from backstay.services.auth.throttles import Throttles
from backstay.services.auth.tokens import AccessTokens
from backstay.services.mail.post import Post
from backstay.services.mail.templates import Templates
from backstay.services.unit_of_work import UnitOfWork

MAILS = "mails"


class IdentityParts:
    """Everything of identity, built; `open` and `close` go with the application."""

    def __init__(
        self,
        settings: Settings,
        project: Path,
        database: Database,
        units: UnitOfWork,
        tokens: AccessTokens,
        revoked: Revoked,
    ) -> None:
        self._settings = settings
        self._units = units
        self._secret = secret_of(settings)
        self._found(project, database, tokens, revoked)
        self._build_sign_in(tokens)
        self._build_changes()
        self._build_oauth()
        self._build_factors()
        self._build_administration()
        self.endpoints: Sequence[Endpoint] = routes.endpoints(self._controllers(settings))

    def _found(self, project: Path, database: Database, tokens: AccessTokens, revoked: Revoked) -> None:
        """What everything else stands on."""
        settings, auth, secret = self._settings, self._settings.auth, self._secret
        templates = Templates(_folders(project), settings.mail.language)
        self.audit = Audit()
        self.sign_ins = SignInRepository(database)
        self.throttles = Throttles(database, secret, auth.throttle_factor)
        self.authority = Authority(self._units, tokens, revoked, settings.tokens, secret, self.audit)
        self.roles = Roles(self._units, self.authority, self.audit)
        self.known_callers = KnownCallers(self._units, settings.tokens)
        self.api_keys = StoredApiKeys(self._units, self.authority, self.audit)
        self.passwords = Passwords(settings.passwords)
        self.policy = PasswordPolicy(settings.passwords, shipped_blocklist(), (auth.app_name,))
        mailer = _mailer(settings)
        self.post = Post(mailer, templates, auth.app_name)
        self.mail_pages: Sequence[Endpoint] = (
            mail_routes.endpoints(MailPages(mailer)) if isinstance(mailer, FolderMailer) else ()
        )
        self.codes = OneTimeCodes(secret)
        self.letters = Letters(self.codes, self.post, auth)
        self.flows = Flows()
        self.redirects = Redirects(auth)

    def _build_sign_in(self, tokens: AccessTokens) -> None:
        settings, auth, secret = self._settings, self._settings.auth, self._secret
        origins = settings.http.cors_origins if settings.http.cors_credentials else ()
        self.sessions = AuthSessions(
            self._units,
            self.sign_ins,
            tokens,
            RefreshTokens(secret),
            self.authority,
            self.throttles,
            self.audit,
            auth,
            settings.tokens,
        )
        self.cookies = CookieSessions(self._units, self.sessions, tokens, secret)
        self.csrf = Csrf(secret, auth.public_url, origins)
        self.accounts = Accounts(
            self._units,
            self.sign_ins,
            self.sessions,
            self.passwords,
            self.policy,
            self.letters,
            self.post,
            self.flows,
            self.throttles,
            self.audit,
            auth,
        )

    def _build_changes(self) -> None:
        auth = self._settings.auth
        emails = EmailChange(self.letters, self.flows, self.audit)
        self.mails = MailSignIn(
            self._units,
            self.sessions,
            self.codes,
            self.letters,
            self.post,
            self.flows,
            emails,
            self.throttles,
            self.audit,
            auth,
        )
        self.changes = AccountChanges(
            self._units,
            self.sessions,
            self.passwords,
            self.policy,
            self.codes,
            self.letters,
            self.post,
            emails,
            self.throttles,
            self.audit,
            auth,
        )

    def _build_oauth(self) -> None:
        auth = self._settings.auth
        self.providers = _providers(auth.providers)
        self.linking = Linking(self._units, self.sessions, self.audit, auth)
        self.exchange = CodeExchange(self._units, self.sessions, self.flows, self.linking, self.throttles)
        self.oauth = OAuth(
            self._units,
            self.providers,
            self.sessions,
            self.linking,
            self.flows,
            self.throttles,
            auth,
            self._secret,
        )

    def _build_factors(self) -> None:
        auth, secret = self._settings.auth, self._secret
        self.factors = Factors(
            self._units, self.sessions, self.throttles, self.audit, self.post, auth, secret
        )
        self.factor_removal = FactorRemoval(self._units, self.sessions, self.authority, self.audit, self.post)
        self.recovery_codes = RecoveryCodes(
            self._units, self.sessions, self.throttles, self.audit, self.post, secret
        )

    def _build_administration(self) -> None:
        self.administration = Administration(
            self._units,
            self.sessions,
            self.passwords,
            self.policy,
            self.authority,
            self.audit,
            self._settings.auth,
        )
        self.invitations = Invitations(
            self._units, self.letters, self.post, self.passwords, self.policy, self.audit
        )

    def _controllers(self, settings: Settings) -> routes.AuthControllers:
        providers = {name: name in self.providers for name in ProvidersSettings.model_fields}
        carry = Carry(self.cookies, self.csrf, settings.auth)
        return routes.AuthControllers(
            meta=Meta(self.authority, settings.auth, providers, settings.tokens.issuer),
            sign_in=SignIn(
                self.accounts, self.sessions, self.exchange, self.oauth, self.redirects, carry, self.csrf
            ),
            at_providers=AtProviders(self.oauth, self.linking, self.redirects, carry),
            by_mail=ByMail(self.mails, self.changes, self.redirects, carry),
            factors=FactorEndpoints(self.factors, self.factor_removal, self.recovery_codes, carry),
            users=UserAdmin(
                self.administration,
                self.invitations,
                self.sessions,
                self.factors,
                self.factor_removal,
                self.redirects,
            ),
            access=AccessAdmin(self.roles, self.api_keys, AuditLog(self._units)),
        )

    async def open(self) -> None:
        """Load the signing keys, and follow what happens on other processes."""
        await self.authority.start()

    async def close(self) -> None:
        """Let what has begun come to its end."""
        await self.authority.stop()
        await self.post.close()
        self.passwords.close()


def secret_of(settings: Settings) -> bytes:
    """The server's secret, from which every key of a purpose is derived."""
    secret = settings.tokens.secret
    return b"" if secret is None else secret.get_secret_value().encode()


def _folders(project: Path) -> Sequence[Path]:
    """Where a project's own templates lie."""
    return (project / "backend" / "mails",)


def _providers(settings: ProvidersSettings) -> Mapping[str, Provider]:
    """The providers that are switched on."""
    on = {name: each for name, each in settings if isinstance(each, ProviderSettings) and each.enabled}
    github = on.pop("github", None)
    providers: dict[str, Provider] = {name: OidcProvider(name, each) for name, each in on.items()}
    return providers if github is None else {**providers, "github": GithubProvider(github)}


def _mailer(settings: Settings) -> Mailer | None:
    if not settings.sends_mail:
        return None
    if settings.mail.backend == "smtp":
        return SmtpMailer(settings.mail)
    return FolderMailer(settings.data_folder / MAILS, settings.mail)
