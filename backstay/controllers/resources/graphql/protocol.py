"""GraphQL over HTTP: the parameters of a request, and the media type of its answer.

In charge of the transport alone. A request that could have been sent from another origin without asking is no request
that does anything: POST takes JSON only, and GET only reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from backstay.config.graphql import GraphQLSettings
from backstay.controllers.http import HttpRequest
from backstay.controllers.resources.json_body import decode_json
from backstay.controllers.resources.media import BodyForm, body_form
from backstay.errors import BackstayError

GRAPHQL_JSON = "application/graphql-response+json"
JSON = "application/json"
_PARAMETERS = ("query", "operationName", "variables", "extensions")
_MOST_PARAMETERS = 20


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a request says. `query` may be missing where the document is known by its hash."""

    query: str | None
    operation: str | None
    variables: Mapping[str, Any]
    extensions: Mapping[str, Any]


class ExactFloat(float):
    """A number with the digits it was sent with."""

    text: str

    @classmethod
    def of(cls, value: Decimal) -> ExactFloat:
        """The float nearest to it, which still knows what it was."""
        made = cls(value)
        made.text = str(value)
        return made

    def __str__(self) -> str:
        return self.text


async def read_parameters(request: HttpRequest, settings: GraphQLSettings) -> Parameters:
    """The parameters in the body of a POST or the address of a GET.

    Raises:
        BackstayError: `unsupported_media_type`, `PGRST102`, `graphql_batch`, `bad_request`; `54000` for variables of
            too many bytes.
    """
    if request.method == "GET":
        given: Any = _from_address(request.query, settings)
    else:
        if body_form(request.headers.get(b"content-type")) is not BodyForm.JSON:
            raise BackstayError("unsupported_media_type", details="The body must be application/json.")
        body = await request.body()
        if len(body) > settings.max_bytes * 2 + settings.max_variables_bytes:
            raise BackstayError("54000", f"variables may have at most {settings.max_variables_bytes} bytes")
        given = decode_json(body)
    if isinstance(given, list):
        raise BackstayError("graphql_batch")
    if not isinstance(given, dict):
        raise BackstayError("bad_request", "The body must be an object with a query.")
    return _parameters(given)


def media_type(accept: bytes | None) -> str:
    """The better of the two media types by an `Accept` header; the older one where it does not matter.

    Raises:
        BackstayError: `not_acceptable`.
    """
    if not accept:
        return JSON
    best, best_rank = "", (0.0, 0)
    for place, text in enumerate(accept.decode("latin-1").lower().split(",")):
        name, *parameters = (part.strip() for part in text.split(";"))
        quality = _quality(parameters)
        for offered, names in (
            (GRAPHQL_JSON, (GRAPHQL_JSON,)),
            (JSON, (JSON, "application/*", "*/*")),
        ):
            if name in names and quality and (quality, -place) > best_rank:
                best, best_rank = offered, (quality, -place)
        if not best_rank[0]:
            best_rank = (0.0, -place - 1)
    if not best:
        raise BackstayError("not_acceptable", details=f"This is available: {GRAPHQL_JSON}, {JSON}")
    return best


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.replace(" ", "").startswith("q="):
            try:
                return max(0.0, min(1.0, float(parameter.partition("=")[2])))
            except ValueError:
                return 0.0
    return 1.0


def _from_address(query: bytes, settings: GraphQLSettings) -> dict[str, Any]:
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError:
        raise BackstayError("bad_request", "The query string is malformed.") from None
    given: dict[str, Any] = {}
    for name, text in pairs:
        if name in given:
            raise BackstayError("bad_request", "A parameter occurs twice.")
        if name in ("variables", "extensions") and text:
            if len(text) > settings.max_variables_bytes:
                raise BackstayError(
                    "54000", f"variables may have at most {settings.max_variables_bytes} bytes"
                )
            given[name] = decode_json(text.encode())
        elif name in _PARAMETERS:
            given[name] = text or None
    return given


def _parameters(given: Mapping[str, Any]) -> Parameters:
    for name, kind, words in (
        ("query", str, "a string"),
        ("operationName", str, "a string"),
        ("variables", dict, "an object"),
        ("extensions", dict, "an object"),
    ):
        value = given.get(name)
        if value is not None and not isinstance(value, kind):
            raise BackstayError("bad_request", f"{name} must be {words}.")
    return Parameters(
        query=given.get("query"),
        operation=given.get("operationName"),
        variables=_as_arguments(given.get("variables") or {}),
        extensions=given.get("extensions") or {},
    )


def _as_arguments(value: Any) -> Any:
    if isinstance(value, Decimal):
        return ExactFloat.of(value)
    if isinstance(value, dict):
        return {key: _as_arguments(item) for key, item in value.items()}
    return [_as_arguments(item) for item in value] if isinstance(value, list) else value
