"""`/rest/v1/rpc/{name}`: actions in the PostgREST dialect. Rows that they give take the whole grammar of a read.

In charge of telling arguments from filters, and of the dialect's words for what does not fit.
"""

from __future__ import annotations

from urllib.parse import unquote_plus

from starlette.types import Receive, Scope, Send

from backstay.config.rest import RestSettings
from backstay.controllers.action_answers import JSON, PRIVATE, answer
from backstay.controllers.action_bodies import parse_form, read_arguments, texts_of
from backstay.controllers.http import Header, respond
from backstay.controllers.resources.answers import VARY, checked_profile, shaped
from backstay.controllers.resources.media import AnswerMedia, negotiate
from backstay.controllers.resources.operation import Answer, HttpOperation, Operation
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
# What has a form of its own, or comes bit by bit.
_FLOWING = frozenset({Gives.FILE, Gives.STREAM, Gives.EVENTS})


class RpcController:
    """Answers for every action; its name is the path after the prefix."""

    def __init__(self, prefix: str, actions: Actions, settings: RestSettings) -> None:
        self._prefix = prefix
        self._actions = actions
        self._may_undo = settings.tx_override
        self._queries = QueryStringParser()
        self._preferences = PreferParser()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        request = HttpOperation(scope, receive)
        action, methods = self._found(request)
        if request.method == "OPTIONS":
            profile = checked_profile(request.headers.get(b"accept-profile"))
            await respond(send, 200, [(b"allow", ", ".join(methods).encode()), *profile])
            return
        outcome, answered = await self._call(request, action)
        if action.gives in _FLOWING:
            await answer(request, outcome, send, answered.headers)
            return
        head = request.method == "HEAD"
        await respond(send, answered.status, answered.headers, answered.body, head=head)

    async def answer(self, operation: Operation) -> Answer:
        """One call whose answer is part of another."""
        action, _ = self._found(operation)
        if action.gives in _FLOWING:
            raise BackstayError("PGRST127", "A file or a stream cannot be part of a batch.")
        _, answered = await self._call(operation, action)
        return answered

    def _found(self, operation: Operation) -> tuple[Action, tuple[str, ...]]:
        """The action, and the methods that it can be called with."""
        name = operation.path.removeprefix(self._prefix)
        action = self._actions.find(operation.context.caller, name)
        if operation.method not in ("GET", "HEAD", "POST", "OPTIONS"):
            raise _wrong_method(operation.method, ("GET", "HEAD", "POST", "OPTIONS"))
        if action is None:
            raise self._unknown(operation, name, ())
        methods = ("GET", "HEAD", "POST", "OPTIONS") if action.only_reads else ("POST", "OPTIONS")
        if operation.method not in methods:
            raise _wrong_method(operation.method, methods)
        return action, methods

    async def _call(self, operation: Operation, action: Action) -> tuple[Outcome, Answer]:
        is_read = operation.method != "POST"
        profile = checked_profile(operation.headers.get(b"accept-profile" if is_read else b"content-profile"))
        accepted = negotiate(operation.headers.get(b"accept"))
        if accepted.shape is Shape.CSV and action.gives is Gives.VALUE:
            raise BackstayError("PGRST107", "None of these media types are available: text/csv")
        preferences = self._preferences.parse(operation.values(b"prefer"))
        undone = self._may_undo and preferences.tx == "rollback"
        if undone and operation.session is not None:
            raise BackstayError("PGRST127", details="Within a batch, tx=rollback is said of the batch.")
        parsed, arguments = await self._question(operation, action, is_read=is_read)
        outcome = await self._actions.call(
            operation.context,
            action,
            arguments,
            RowsWanted(
                parsed.query,
                tuple(parsed.values),
                preferences.count,
                accepted.shape,
                preferences.max_affected,
                preferences.timezone,
            ),
            operation.session,
            undone=undone,
        )
        answered = self._answered(outcome, parsed, accepted, preferences)
        answered.headers += [*profile, *self._applied(action, preferences)]
        if preferences.return_ == "minimal" and not is_read and action.gives not in _FLOWING:
            headers = [header for header in answered.headers if header[0] != b"content-type"]
            answered = Answer(204, headers, rows=answered.rows)
        return outcome, answered

    async def _question(
        self, operation: Operation, action: Action, *, is_read: bool
    ) -> tuple[ParsedQuery, Arguments]:
        """What is asked about the rows, and the arguments."""
        own, rest = _told_apart(operation.query, action) if is_read else (b"", operation.query)
        if rest and action.resource is None:
            if is_read:
                raise self._unknown(operation, action.name, [name for name, _ in parse_form(rest)])
            raise BackstayError("PGRST100", "This function gives no rows that a query string could be about.")
        parsed = self._queries.parse(rest)
        if parsed.after is not None:
            raise BackstayError("PGRST100", f"{AFTER} is for tables")
        asked = operation.headers.get(b"range")
        if asked is not None and operation.method == "GET" and action.resource is not None:
            parsed = with_range(parsed, parse_range(asked, operation.headers.get(b"range-unit")))
        return parsed, await self._arguments(operation, action, own, is_read=is_read)

    def _answered(
        self, outcome: Outcome, parsed: ParsedQuery, accepted: AnswerMedia, preferences: Preferences
    ) -> Answer:
        page, gives = outcome.page, outcome.action.gives
        if page is None:
            if gives is Gives.VALUE:
                return Answer(200, [VARY, PRIVATE, JSON], outcome.document or b"null")
            return Answer(204, [VARY, PRIVATE] if gives is Gives.NOTHING else [VARY])
        offset = 0 if parsed.query.offset is None else parsed.values[parsed.query.offset]
        place = content_range(offset, page.count, page.total).encode()
        body = shaped(page.body, accepted)
        if gives is Gives.ROW and accepted.shape is Shape.ARRAY:
            body = body[1:-1] or b"null"
        status = read_status(offset, page.count, page.total)
        return Answer(status, [VARY, (b"content-range", place), accepted.header], body, page.count)

    def _applied(self, action: Action, preferences: Preferences) -> list[Header]:
        honoured = _PREFERENCES if action.resource is None else _ROW_PREFERENCES
        if self._may_undo:
            honoured = (*honoured, "tx")
        if preferences.return_ == "minimal" and action.gives not in _FLOWING:
            honoured = (*honoured, "return")
        applied = applied_header(preferences, honoured)
        return [] if applied is None else [(b"preference-applied", applied.encode())]

    async def _arguments(
        self, operation: Operation, action: Action, own: bytes, *, is_read: bool
    ) -> Arguments:
        """The arguments. Names that no function takes are those of another function, which there is not."""
        try:
            if is_read:
                return from_texts(action, texts_of(parse_form(own)))
            return await read_arguments(operation, action)
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
            raise self._unknown(operation, action.name, names) from error

    def _unknown(self, operation: Operation, name: str, arguments: list[str] | tuple[()]) -> BackstayError:
        shown = _shown_call(name, arguments)
        near = self._actions.find(operation.context.caller, name) or self._actions.nearest(
            operation.context.caller, name
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


def _shown_call(name: str, arguments: list[str] | tuple[()]) -> str:
    called = f"public.{name[:100]}"
    return (
        f"{called}({', '.join(each[:63] for each in arguments)})"
        if arguments
        else f"{called} without parameters"
    )


def _wrong_method(method: str, methods: tuple[str, ...]) -> BackstayError:
    return BackstayError("PGRST101", f"Cannot use the {method} method on RPC", allow=methods)
