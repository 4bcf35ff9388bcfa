"""The closed catalogue of errors: every failure a client can be told of, with its stable code.

In charge of what an error *is*: code, kind, public message, private cause. Not in charge of how it looks on a
wire: it knows no HTTP; `middleware/errors.py` holds the one table from kind to status.

The `PGRST…` codes and the five-character SQLSTATE codes are those that clients of the PostgREST protocol already
know; everything else is spelled in lower case words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from inspect import cleandoc


class Kind(StrEnum):
    """What sort of failure it is. The wire status follows from the kind alone."""

    INVALID = "invalid"
    AMBIGUOUS = "ambiguous"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD = "method"
    UNACCEPTABLE = "unacceptable"
    TIMED_OUT = "timed_out"
    CONFLICT = "conflict"
    PRECONDITION = "precondition"
    PRECONDITION_MISSING = "precondition_missing"
    TOO_LARGE = "too_large"
    TOO_LONG = "too_long"
    HEADERS_TOO_LARGE = "headers_too_large"
    MEDIA_TYPE = "media_type"
    RANGE = "range"
    UNPROCESSABLE = "unprocessable"
    LIMITED = "limited"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the catalogue: the kind, and the message when the raiser gives none."""

    kind: Kind
    message: str


CATALOGUE: Mapping[str, Entry] = {
    # The request itself, before any feature looks at it.
    "bad_request": Entry(Kind.INVALID, "The request is malformed."),
    "bad_host": Entry(Kind.INVALID, "The Host header is missing, repeated or malformed."),
    "bad_framing": Entry(Kind.INVALID, "The request's framing is ambiguous or malformed."),
    "bad_path": Entry(Kind.INVALID, "The path holds a control character or a dot segment."),
    "body_incomplete": Entry(Kind.INVALID, "The connection ended before the body was complete."),
    "method_not_allowed": Entry(Kind.METHOD, "This method is not allowed here."),
    "not_found": Entry(Kind.NOT_FOUND, "There is nothing at this address."),
    "not_acceptable": Entry(Kind.UNACCEPTABLE, "None of the accepted media types is available."),
    "request_timeout": Entry(Kind.TIMED_OUT, "The request took too long to arrive."),
    "body_too_large": Entry(Kind.TOO_LARGE, "The body is larger than this server accepts."),
    "uri_too_long": Entry(Kind.TOO_LONG, "The address is longer than this server accepts."),
    "headers_too_large": Entry(Kind.HEADERS_TOO_LARGE, "The headers are larger than this server accepts."),
    "unsupported_media_type": Entry(
        Kind.MEDIA_TYPE, "The body's media type or encoding is not supported here."
    ),
    # Values.
    "validation_failed": Entry(Kind.INVALID, "One or more values are not valid."),
    "unprocessable": Entry(Kind.UNPROCESSABLE, "One or more values are not valid."),
    "email_address_invalid": Entry(Kind.INVALID, "Email address is invalid"),
    "weak_password": Entry(Kind.UNPROCESSABLE, "Password is too easy to guess."),
    # Callers.
    "no_authorization": Entry(Kind.UNAUTHENTICATED, "This needs a signed-in caller."),
    "bad_jwt": Entry(Kind.UNAUTHENTICATED, "The access token is not valid."),
    "bad_api_key": Entry(Kind.UNAUTHENTICATED, "The API key is not valid."),
    "forbidden": Entry(Kind.FORBIDDEN, "This caller may not do that."),
    "refresh_token_not_found": Entry(Kind.INVALID, "Invalid Refresh Token: Refresh Token Not Found"),
    "refresh_token_already_used": Entry(Kind.INVALID, "Invalid Refresh Token: Already Used"),
    # Identity: the codes of the GoTrue protocol, annex B of the protocol reference.
    "bad_json": Entry(Kind.INVALID, "Could not read the body as a JSON object"),
    "invalid_credentials": Entry(Kind.INVALID, "Invalid login credentials"),
    "email_not_confirmed": Entry(Kind.INVALID, "Email not confirmed"),
    "email_exists": Entry(Kind.UNPROCESSABLE, "A user with this email address has already been registered"),
    "user_already_exists": Entry(Kind.UNPROCESSABLE, "User already registered"),
    "same_password": Entry(Kind.UNPROCESSABLE, "New password should be different from the old password."),
    "signup_disabled": Entry(Kind.UNPROCESSABLE, "Signups not allowed for this instance"),
    "otp_disabled": Entry(Kind.UNPROCESSABLE, "Signups not allowed for otp"),
    "email_provider_disabled": Entry(Kind.UNPROCESSABLE, "Email logins are disabled"),
    "anonymous_provider_disabled": Entry(Kind.UNPROCESSABLE, "Anonymous sign-ins are disabled"),
    "otp_expired": Entry(Kind.FORBIDDEN, "Token has expired or is invalid"),
    "not_admin": Entry(Kind.FORBIDDEN, "User not allowed"),
    "user_not_found": Entry(Kind.NOT_FOUND, "User not found"),
    "user_banned": Entry(Kind.FORBIDDEN, "User is banned"),
    "session_not_found": Entry(Kind.UNAUTHENTICATED, "Session from session_id claim in JWT does not exist"),
    "session_expired": Entry(Kind.INVALID, "Invalid Refresh Token: Session Expired"),
    "over_request_rate_limit": Entry(Kind.LIMITED, "Request rate limit reached"),
    "over_email_send_rate_limit": Entry(Kind.LIMITED, "email rate limit exceeded"),
    "bad_code_verifier": Entry(Kind.INVALID, "code challenge does not match previously saved code verifier"),
    "flow_state_not_found": Entry(Kind.NOT_FOUND, "invalid flow state, no valid flow state found"),
    "flow_state_expired": Entry(Kind.UNPROCESSABLE, "invalid flow state, flow state has expired"),
    "bad_oauth_state": Entry(Kind.INVALID, "OAuth state is not valid"),
    "bad_oauth_callback": Entry(Kind.INVALID, "OAuth callback is not valid"),
    "oauth_provider_not_supported": Entry(Kind.INVALID, "Unsupported provider"),
    "provider_disabled": Entry(Kind.INVALID, "Unsupported provider: provider is not enabled"),
    "provider_email_needs_verification": Entry(
        Kind.FORBIDDEN, "The provider has not verified this email address"
    ),
    "identity_not_found": Entry(Kind.UNPROCESSABLE, "Identity doesn't exist"),
    "identity_already_exists": Entry(Kind.UNPROCESSABLE, "Identity is already linked to another user"),
    "single_identity_not_deletable": Entry(
        Kind.UNPROCESSABLE, "User must have at least 1 identity after unlinking"
    ),
    "mfa_verification_failed": Entry(Kind.UNPROCESSABLE, "Invalid TOTP code entered"),
    "mfa_challenge_expired": Entry(
        Kind.UNPROCESSABLE,
        "MFA challenge has expired, verify against another challenge or create a new challenge.",
    ),
    "mfa_factor_not_found": Entry(Kind.NOT_FOUND, "Factor not found"),
    "mfa_factor_name_conflict": Entry(
        Kind.UNPROCESSABLE, "A factor with this friendly name for this user already exists"
    ),
    "too_many_enrolled_mfa_factors": Entry(
        Kind.UNPROCESSABLE, "Maximum number of verified factors reached, unenroll to continue"
    ),
    "insufficient_aal": Entry(Kind.UNPROCESSABLE, "AAL2 required to unenroll verified factor"),
    "reauthentication_needed": Entry(Kind.INVALID, "Password update requires reauthentication"),
    "reauthentication_not_valid": Entry(Kind.UNPROCESSABLE, "Invalid nonce"),
    "current_password_required": Entry(Kind.INVALID, "Current password required when setting new password."),
    "current_password_invalid": Entry(Kind.INVALID, "Current password required when setting new password."),
    "provider_unavailable": Entry(Kind.UNAVAILABLE, "The provider does not answer as it should."),
    "bad_csrf_token": Entry(Kind.FORBIDDEN, "This request does not come from a page of this application."),
    "role_not_found": Entry(Kind.NOT_FOUND, "There is no such role."),
    "conflict": Entry(Kind.CONFLICT, "Too many current requests working on the same session"),
    # Rows and preconditions of the plain face.
    "row_not_found": Entry(Kind.NOT_FOUND, "There is no such row."),
    "precondition_failed": Entry(Kind.PRECONDITION, "The row is no longer what the precondition says."),
    "precondition_required": Entry(Kind.PRECONDITION_MISSING, "This write needs an If-Match header."),
    # The platform.
    "rate_limited": Entry(Kind.LIMITED, "Too many requests."),
    "internal_error": Entry(Kind.INTERNAL, "Something went wrong on our side."),
    "overloaded": Entry(Kind.UNAVAILABLE, "The server is busy; try again shortly."),
    "not_ready": Entry(Kind.UNAVAILABLE, "This node is not ready."),
    "mail_unavailable": Entry(Kind.UNAVAILABLE, "Mail cannot be sent at the moment; try again shortly."),
    "draining": Entry(Kind.UNAVAILABLE, "This node is shutting down; try another."),
    "deadline_exceeded": Entry(Kind.SLOW, "The request took too long to answer."),
    # PostgREST protocol, annex A of the protocol reference.
    "PGRST000": Entry(Kind.UNAVAILABLE, "Database connection error."),
    "PGRST001": Entry(Kind.UNAVAILABLE, "Database client error. Retrying the connection."),
    "PGRST003": Entry(Kind.SLOW, "Timed out acquiring connection from connection pool."),
    "PGRST100": Entry(Kind.INVALID, "The query string could not be parsed."),
    "PGRST101": Entry(Kind.METHOD, "This method cannot be used on this function"),
    "PGRST102": Entry(Kind.INVALID, "Empty or invalid json"),
    "PGRST103": Entry(Kind.RANGE, "Requested range not satisfiable"),
    "PGRST105": Entry(
        Kind.METHOD, "Filters must include all and only primary key columns with 'eq' operators"
    ),
    "PGRST106": Entry(Kind.UNACCEPTABLE, "Invalid schema"),
    "PGRST107": Entry(Kind.UNACCEPTABLE, "None of these media types are available"),
    "PGRST108": Entry(Kind.INVALID, "This is not an embedded resource in this request"),
    "PGRST114": Entry(Kind.INVALID, "limit/offset querystring parameters are not allowed for PUT"),
    "PGRST115": Entry(Kind.INVALID, "Payload values do not match URL in primary key column(s)"),
    "PGRST116": Entry(Kind.UNACCEPTABLE, "Cannot coerce the result to a single JSON object"),
    "PGRST117": Entry(Kind.METHOD, "Unsupported HTTP method"),
    "PGRST118": Entry(Kind.INVALID, "A related order is not possible here"),
    "PGRST120": Entry(Kind.INVALID, "Bad operator on an embedded resource"),
    "PGRST122": Entry(Kind.INVALID, "Invalid preferences given with handling=strict"),
    "PGRST123": Entry(Kind.INVALID, "Use of aggregate functions is not allowed"),
    "PGRST124": Entry(Kind.INVALID, "Query result exceeds max-affected preference constraint"),
    "PGRST125": Entry(Kind.NOT_FOUND, "Invalid path specified in request URL"),
    "PGRST127": Entry(Kind.INVALID, "Feature not implemented"),
    "PGRST128": Entry(
        Kind.INVALID,
        "Function must return SETOF or TABLE when max-affected preference is used with handling=strict",
    ),
    "PGRST200": Entry(Kind.INVALID, "Could not find a relationship in the schema cache"),
    "PGRST201": Entry(Kind.AMBIGUOUS, "Could not embed because more than one relationship was found"),
    "PGRST202": Entry(Kind.NOT_FOUND, "Could not find the function in the schema cache"),
    "PGRST204": Entry(Kind.INVALID, "Could not find the column in the schema cache"),
    "PGRST205": Entry(Kind.NOT_FOUND, "Could not find the table in the schema cache"),
    "PGRST301": Entry(Kind.UNAUTHENTICATED, "JWT cannot be decoded"),
    "PGRST303": Entry(Kind.UNAUTHENTICATED, "JWT claims are not valid"),
    "bad_cursor": Entry(Kind.INVALID, "This is not a cursor of this question."),
    # GraphQL documents and what is sent beside them.
    "graphql_parse_failed": Entry(Kind.INVALID, "The document is not GraphQL."),
    "graphql_validation_failed": Entry(Kind.INVALID, "The document does not fit the schema."),
    "graphql_batch": Entry(Kind.INVALID, "One request is one operation; arrays of operations are not taken."),
    "persisted_query_not_found": Entry(Kind.NOT_FOUND, "PersistedQueryNotFound"),
    "persisted_query_mismatch": Entry(Kind.INVALID, "The hash is not that of the document."),
    "document_not_trusted": Entry(Kind.FORBIDDEN, "Only documents that are known to the server are run."),
    # SQLSTATE, the same on both databases.
    "21000": Entry(Kind.INVALID, "The statement would touch rows it must not touch"),
    "22000": Entry(Kind.INVALID, "The database refused a value"),
    "22001": Entry(Kind.INVALID, "value too long"),
    "22003": Entry(Kind.INVALID, "value out of range"),
    "22007": Entry(Kind.INVALID, "invalid date or time"),
    "22021": Entry(Kind.INVALID, "invalid character in text"),
    "22023": Entry(Kind.INVALID, "invalid parameter value"),
    "22025": Entry(Kind.INVALID, "LIKE pattern must not end with escape character"),
    "22P02": Entry(Kind.INVALID, "invalid input syntax"),
    "2201B": Entry(Kind.INVALID, "invalid regular expression"),
    "23502": Entry(Kind.INVALID, "null value violates not-null constraint"),
    "23503": Entry(Kind.CONFLICT, "foreign key constraint violated"),
    "23505": Entry(Kind.CONFLICT, "duplicate key value violates unique constraint"),
    "23514": Entry(Kind.INVALID, "check constraint violated"),
    "25006": Entry(Kind.METHOD, "cannot write in a read-only transaction"),
    "40001": Entry(Kind.UNAVAILABLE, "could not serialize access due to concurrent update"),
    "42501": Entry(Kind.FORBIDDEN, "permission denied"),
    "42601": Entry(Kind.INVALID, "syntax error"),
    "428C9": Entry(Kind.INVALID, "the column is generated"),
    "42703": Entry(Kind.INVALID, "column does not exist"),
    "42704": Entry(Kind.INVALID, "type does not exist"),
    "42803": Entry(Kind.INVALID, "the column is neither grouped by nor aggregated"),
    "42804": Entry(Kind.INVALID, "the operator does not fit the column's type"),
    "42846": Entry(Kind.INVALID, "cannot cast"),
    "42883": Entry(Kind.INVALID, "operator does not exist"),
    "42P10": Entry(
        Kind.INVALID, "there is no unique or exclusion constraint matching the ON CONFLICT specification"
    ),
    "54000": Entry(Kind.INVALID, "the request asks for more than this server allows"),
    "57014": Entry(Kind.SLOW, "canceling statement due to statement timeout"),
    "P0001": Entry(Kind.INVALID, "The application refused this."),
}


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one value: where it stands, a stable code and a sentence."""

    path: str
    code: str
    message: str


class BackstayError(Exception):
    """An entry of the catalogue, raised.

    `message`, `details` and `hint` are public. What only operators may see goes into the exception's `__cause__`
    (`raise BackstayError(...) from error`) and is logged once.

    Attributes:
        index: which operation of a batch it is about; None elsewhere.

    Raises:
        KeyError: at once, when `code` is not in the catalogue.
    """

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        details: str | Sequence[FieldProblem] | Sequence[Mapping[str, str]] | None = None,
        hint: str | None = None,
        retry_after_seconds: int | None = None,
        allow: Sequence[str] = (),
    ) -> None:
        entry = CATALOGUE[code]
        self.code = code
        self.kind = entry.kind
        self.message = message if message is not None else entry.message
        self.details = details
        self.hint = hint
        self.retry_after_seconds = retry_after_seconds
        self.allow = tuple(allow)
        self.index: int | None = None
        super().__init__(f"{code}: {self.message}")


_OWN_CODE = re.compile(r"[a-z][a-z0-9_]{2,62}")
_OWN_KINDS = frozenset(
    {
        Kind.INVALID,
        Kind.UNAUTHENTICATED,
        Kind.FORBIDDEN,
        Kind.NOT_FOUND,
        Kind.CONFLICT,
        Kind.PRECONDITION,
        Kind.UNPROCESSABLE,
        Kind.LIMITED,
    }
)


class ApplicationError(BackstayError):
    """A refusal of the application's own, declared once: the user's part of the catalogue.

        class TripIsOverError(ApplicationError, code="trip_is_over", kind="conflict"):
            "The trip is over."

        raise TripIsOverError()
        raise TripIsOverError("It ended on 3 May.")

    The docstring's first paragraph is the message when the raiser gives none.

    Raises:
        TypeError: when the class is defined, for a code that is taken or no lower-case word, and for a kind that is no
            refusal.
    """

    _entry: tuple[str, Kind] = ("P0001", Kind.INVALID)

    def __init_subclass__(cls, *, code: str, kind: str = Kind.INVALID) -> None:
        super().__init_subclass__()
        if _OWN_CODE.fullmatch(code) is None or code in CATALOGUE:
            raise TypeError(f"{cls.__name__}: the code '{code}' is taken, or no word of lower-case letters")
        if kind not in _OWN_KINDS:
            known = ", ".join(sorted(_OWN_KINDS))
            raise TypeError(f"{cls.__name__}: the kind '{kind}' is none of {known}")
        cls._entry = (code, Kind(kind))

    def __init__(
        self,
        message: str | None = None,
        *,
        details: str | Sequence[FieldProblem] | Sequence[Mapping[str, str]] | None = None,
        hint: str | None = None,
    ) -> None:
        said = " ".join(cleandoc(type(self).__doc__ or "").partition("\n\n")[0].split())
        super().__init__("P0001", message or said or None, details=details, hint=hint)
        self.code, self.kind = self._entry


class ConfigurationError(Exception):
    """The application cannot be built as configured. Raised at start, read by the operator, never by a client.

    Each problem names the value and the fix.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))
