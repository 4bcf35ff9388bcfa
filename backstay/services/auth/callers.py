"""Who is calling, from the two values a client may prove itself with: `Authorization` and `apikey`.

In charge of their precedence and of refusing: what is present must be valid, whatever else is, and only the absence
of both is anonymous. A secret key that a browser sends is accepted like from anywhere else, since `Origin` and
`Sec-Fetch-Site` can be left out by whoever stole it; it is the operator's duty never to ship it to a page.
"""

from __future__ import annotations

from backstay.errors import BackstayError
from backstay.models.access.caller import ANONYMOUS, Caller
from backstay.services.auth.api_keys import ApiKeys
from backstay.services.auth.signatures import undecodable
from backstay.services.auth.stored_api_keys import StoredApiKeys
from backstay.services.auth.tokens import AccessTokens

_SCHEME = b"bearer "


class Callers:
    """Turns credentials into callers. The same token or key gives the same caller object.

    Args:
        keys: those of the settings; `stored` are those of the database.
    """

    __slots__ = ("_keys", "_stored", "_tokens")

    def __init__(self, tokens: AccessTokens, keys: ApiKeys, stored: StoredApiKeys | None = None) -> None:
        self._tokens = tokens
        self._keys = keys
        self._stored = stored

    def of(self, authorization: bytes | None, apikey: bytes | None) -> Caller:
        """The caller behind these credentials, None standing for one that was not sent.

        The bearer wins over the API key; a client without a session sends its API key as the bearer too.

        Raises:
            BackstayError: `bad_jwt` when the authorization is no bearer, `PGRST301` or `PGRST303` when its token
                is not valid, `bad_api_key` when the API key is not.
        """
        if authorization is None:
            return ANONYMOUS if apikey is None else self._of_key(apikey)
        if authorization[:7].lower() != _SCHEME:
            raise BackstayError("bad_jwt", "The Authorization header is not of the form 'Bearer <token>'.")
        bearer = authorization[7:]
        if apikey is None:
            return self._of_bearer(bearer)
        key_caller = self._of_key(apikey)
        return key_caller if bearer == apikey else self._of_bearer(bearer)

    def _of_bearer(self, bearer: bytes) -> Caller:
        if b"." in bearer:
            return self._tokens.resolve(bearer)
        caller = self._find(bearer)
        if caller is not None:
            return caller
        raise BackstayError("bad_api_key") if bearer.startswith((b"sb_", b"bsk_")) else undecodable()

    def _find(self, key: bytes) -> Caller | None:
        caller = self._keys.find(key)
        return self._stored.find(key) if caller is None and self._stored is not None else caller

    def _of_key(self, apikey: bytes) -> Caller:
        if b"." not in apikey:
            caller = self._find(apikey)
            if caller is None:
                raise BackstayError("bad_api_key")
            return caller
        try:
            caller = self._tokens.resolve(apikey)
        except BackstayError as error:
            raise BackstayError("bad_api_key") from error
        if caller.id is not None:
            raise BackstayError("bad_api_key", "A user's access token is not an API key.")
        return caller
