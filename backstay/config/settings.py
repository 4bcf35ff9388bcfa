"""All settings of one application, read once and passed down."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from backstay.config.auth import AuthSettings
from backstay.config.database import DatabaseSettings
from backstay.config.environment import Environment
from backstay.config.graphql import GraphQLSettings
from backstay.config.http import HttpSettings
from backstay.config.log import LogSettings
from backstay.config.mail import MailSettings
from backstay.config.passwords import PasswordSettings
from backstay.config.rest import RestSettings
from backstay.config.tokens import TokenSettings

ANNOUNCE_SECONDS = 5.0
"""Load balancers ask every second or two, and need a few refusals."""


class Settings(BaseModel):
    """One frozen value. Field docs name the section; `backstay check` names the variable for each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    environment: Environment = Environment.DEVELOPMENT
    debug: bool = False
    data_folder: Path = Path(".data")
    docs: bool | None = None
    http: HttpSettings = HttpSettings()
    database: DatabaseSettings = DatabaseSettings()
    tokens: TokenSettings = TokenSettings()
    auth: AuthSettings = AuthSettings()
    passwords: PasswordSettings = PasswordSettings()
    mail: MailSettings = MailSettings()
    rest: RestSettings = RestSettings()
    graphql: GraphQLSettings = GraphQLSettings()
    log: LogSettings = LogSettings()

    @property
    def is_development(self) -> bool:
        """True where convenience outweighs safety."""
        return self.environment is Environment.DEVELOPMENT

    @property
    def sends_mail(self) -> bool:
        """Whether there is a way for mails to leave, or a folder that shows them to a developer."""
        return self.is_development or self.mail.backend == "smtp"

    @property
    def announce_seconds(self) -> float:
        """How long a process that was told to stop says so before it does."""
        given = self.http.announce_seconds
        if given is None:
            return 0.0 if self.is_development else ANNOUNCE_SECONDS
        return given

    @property
    def serves_docs(self) -> bool:
        """Whether `/docs` and `/openapi.json` are served: by default only in development."""
        return self.is_development if self.docs is None else self.docs

    def graphql_shows(self, chosen: bool | None) -> bool:
        """Whether what helps to explore the GraphQL schema is there, unless chosen: in development."""
        return self.is_development if chosen is None else chosen
