"""Where links may lead: nowhere but to addresses that the settings name.

In charge of comparing addresses as strings. What a client asks for and may not have becomes the site's own address,
since a mail that leads somewhere safe is better than none.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from backstay.config.auth import AuthSettings

MAX_LENGTH = 2000


class Redirects:
    """The addresses of the settings."""

    def __init__(self, settings: AuthSettings) -> None:
        self._site = settings.site_url
        own = (f"{settings.site_url}/", f"{settings.public_url}/")
        self._whole = {settings.site_url, settings.public_url, *own}
        self._whole |= {url for url in settings.redirect_urls if not url.endswith("*")}
        # A site's own pages are all allowed; `own` ends with a slash, so no longer host name begins so.
        # Pages of no site: one more of these would use something up, or take the fragment along to a provider.
        self._endpoints = f"{settings.public_url}/auth/"
        self._beginnings = (*own, *(url[:-1] for url in settings.redirect_urls if url.endswith("*")))

    def choose(self, wanted: str | None) -> str:
        """The wanted address if links may lead there, otherwise the site's."""
        return wanted if wanted and self.allows(wanted) else self._site

    def allows(self, url: str) -> bool:
        """Whether links may lead to this address."""
        if len(url) > MAX_LENGTH or not url.isascii() or any(c <= " " or c in '\\<>"^`{|}\x7f' for c in url):
            return False
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        if "@" in parts.netloc or any(segment in ("..", ".") for segment in _segments(parts.path)):
            return False
        bare = url.partition("#")[0].partition("?")[0]
        if bare.startswith(self._endpoints):
            return False
        return bare in self._whole or url in self._whole or bare.startswith(self._beginnings)


def _segments(path: str) -> list[str]:
    return path.lower().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/").split("/")


def with_query(url: str, values: dict[str, str]) -> str:
    """The address with values added to its query."""
    parts = urlsplit(url)
    query = [
        (name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in values
    ]
    return urlunsplit(parts._replace(query=urlencode([*query, *values.items()])))


def with_fragment(url: str, values: dict[str, str]) -> str:
    """The address with values as its fragment, which no server is sent."""
    return urlunsplit(urlsplit(url)._replace(fragment=urlencode(values)))
