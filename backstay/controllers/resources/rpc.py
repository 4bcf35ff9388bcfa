"""`/rest/v1/rpc/{name}`: actions in the PostgREST dialect. Rows that they give take the whole grammar of a read.

In charge of telling arguments from filters, and of the dialect's words for what does not fit.
"""

from __future__ import annotations

from urllib.parse import unquote_plus

from starlette.types import Receive, Scope, Send

from backstay.controllers.action_answers import answer
from backstay.controllers.action_bodies import parse_form, read_arguments, texts_of
from backstay.controllers.http import Header, HttpRequest, respond
from backstay.controllers.resources.answers import VARY, checked_profile, shaped
from backstay.controllers.resources.media import negotiate
from backstay.controllers.resources.prefer import Preferences, PreferParser, applied_header
from backstay.controllers.resources.query_string import AFTER, ParsedQuery, QueryStringParser
from backstay.controllers.resources.ranges import content_range, parse_range, read_status, with_range
from backstay.errors import BackstayError, FieldProblem
from backstay.models.resources.actions import Action, Gives
from backstay.models.resources.request import Shape
from backstay.services.resources.action_arguments import Arguments, from_texts
from backstay.services.resources.actions import Actions, Outcome, RowsWanted

_PREFERENCES = ("count", "handling", "max-affected")
_ROW_PREFERENCES = (*_PREFERENCES, "timezone")


class RpcController:
    """Answers for every action; its name is the path after the prefix."""

    def __init__(self, prefix: str, actions: Actions) -> None:
        self._prefix = prefix
        self._actions = actions
        self._queries = QueryStringParser()
        self._preferences = PreferParser()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        request = HttpRequest(scope, receive)
        name = request.path.removeprefix(self._prefix)
        action = self._actions.find(request.context.caller, name)
        if request.method not in ("GET", "HEAD", "POST", "OPTIONS"):
            raise _wrong_method(request.method, ("GET", "HEAD", "POST", "OPTIONS"))
        if action is None:
            raise self._unknown(request, name, ())
        methods = ("GET", "HEAD", "POST", "OPTIONS") if action.only_reads else ("POST", "OPTIONS")
        if request.method not in methods:
            raise _wrong_method(request.method, methods)
        if request.method == "OPTIONS":
            await respond(send, 200, [(b"allow", ", ".join(methods).encode())])
            return
        await self._call(request, action, send)

    async def _call(self, request: HttpRequest, action: Action, send: Send) -> None:
        is_read = request.method != "POST"
        profile = checked_profile(request.headers.get(b"accept-profile" if is_read else b"content-profile"))
        accepted = negotiate(request.headers.get(b"accept"))
        preferences = self._preferences.parse(request.values(b"prefer"))
        own, rest = _told_apart(request.query, action) if is_read else (b"", request.query)
        if rest and action.resource is None:
            raise (
                self._unknown(request, action.name, [name for name, _ in parse_form(rest)])
                if is_read
                else (
                    BackstayError(
                        "PGRST100", "This function gives no rows that a query string could be about."
                    )
                )
            )
        parsed = self._queries.parse(rest)
        if parsed.after is not None:
            raise BackstayError("PGRST100", f"{AFTER} is for tables")
        asked = request.headers.get(b"range")
        if asked is not None and request.method == "GET" and action.resource is not None:
            parsed = with_range(parsed, parse_range(asked, request.headers.get(b"range-unit")))
        arguments = await self._arguments(request, action, own, is_read=is_read)
        wanted = RowsWanted(
            parsed.query,
            tuple(parsed.values),
            preferences.count,
            accepted.shape,
            preferences.max_affected,
            preferences.timezone,
        )
        outcome = await self._actions.call(request.context, action, arguments, wanted)
        headers: list[Header] = [VARY, *profile]
        applied = applied_header(preferences, _PREFERENCES if action.resource is None else _ROW_PREFERENCES)
        if applied is not None:
            headers.append((b"preference-applied", applied.encode()))
        if outcome.page is None:
            if accepted.shape is Shape.CSV and action.gives is Gives.VALUE:
                raise BackstayError("PGRST107", "None of these media types are available: text/csv")
            await answer(request, outcome, send, headers)
            return
        status, body = _shown(outcome, parsed, preferences, headers)
        headers.append(accepted.header)
        body = shaped(body, accepted)
        if action.gives is Gives.ROW and accepted.shape is Shape.ARRAY:
            body = body[1:-1] or b"null"
        await respond(send, status, headers, body, head=request.method == "HEAD")

    async def _arguments(
        self, request: HttpRequest, action: Action, own: bytes, *, is_read: bool
    ) -> Arguments:
        """The arguments. Names that no function takes are those of another function, which there is not."""
        try:
            if is_read:
                return from_texts(action, texts_of(parse_form(own)))
            return await read_arguments(request, action)
        except BackstayError as error:
            problems = error.details if isinstance(error.details, list) else ()
            wrong = [
                each
                for each in problems
                if isinstance(each, FieldProblem)
                and each.code in ("extra_forbidden", "missing")
                and "." not in each.path
            ]
            if not wrong:
                raise
            missing = {each.path for each in wrong if each.code == "missing"}
            names = [each.name for each in action.parameters if each.required and each.name not in missing]
            names += [each.path for each in wrong if each.code == "extra_forbidden"]
            raise self._unknown(request, action.name, names) from error

    def _unknown(self, request: HttpRequest, name: str, arguments: list[str] | tuple[()]) -> BackstayError:
        shown = _shown_call(name, arguments)
        near = self._actions.find(request.context.caller, name) or self._actions.nearest(
            request.context.caller, name
        )
        perhaps = None
        if near is not None:
            call = _shown_call(near.name, [each.name for each in near.parameters])
            perhaps = f"Perhaps you meant to call the function {call}"
        return BackstayError(
            "PGRST202",
            f"Could not find the function {shown} in the schema cache",
            details=f"Searched for the function {shown}, but no matches were found in the schema cache.",
            hint=perhaps,
        )


def _told_apart(query: bytes, action: Action) -> tuple[bytes, bytes]:
    """The part of a query string that is arguments, by their names, and the part that is about the rows."""
    names = {each.name for each in action.parameters}
    own: list[bytes] = []
    rest: list[bytes] = []
    for part in query.split(b"&"):
        if part:
            name = unquote_plus(part.partition(b"=")[0].decode("latin-1"))
            (own if name in names else rest).append(part)
    return b"&".join(own), b"&".join(rest)


def _shown(
    outcome: Outcome, parsed: ParsedQuery, preferences: Preferences, headers: list[Header]
) -> tuple[int, bytes]:
    page = outcome.page
    assert page is not None
    offset = 0 if parsed.query.offset is None else parsed.values[parsed.query.offset]
    headers.append((b"content-range", content_range(offset, page.count, page.total).encode()))
    return read_status(offset, page.count, page.total), page.body


def _shown_call(name: str, arguments: list[str] | tuple[()]) -> str:
    called = f"public.{name[:100]}"
    return (
        f"{called}({', '.join(each[:63] for each in arguments)})"
        if arguments
        else f"{called} without parameters"
    )


def _wrong_method(method: str, methods: tuple[str, ...]) -> BackstayError:
    return BackstayError("PGRST101", f"Cannot use the {method} method on RPC", allow=methods)
