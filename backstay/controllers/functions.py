"""`/functions/v1/{name}`: actions as functions, called with their own HTTP method.

In charge of translating a request into arguments and an outcome into a response; and of telling refusals of ours from
those of the action, by `x-relay-error`, as clients of the protocol expect.
"""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from backstay.controllers.action_answers import JSON, PRIVATE, answer
from backstay.controllers.action_bodies import parse_form, read_arguments, texts_of
from backstay.controllers.http import Header, HttpRequest, respond
from backstay.errors import BackstayError
from backstay.models.resources.actions import Action, Gives
from backstay.services.resources.action_arguments import from_texts
from backstay.services.resources.actions import Actions

FUNCTIONS = "/functions/v1/"
_RELAY: Header = (b"x-relay-error", b"true")
_VARY: Header = (b"vary", b"Authorization")
# Where a region of the protocol's home is asked for: one node is as near as another.
_IGNORED = frozenset({"forceFunctionRegion"})


class FunctionsController:
    """Answers for every action; its name is the path after the prefix."""

    def __init__(self, actions: Actions) -> None:
        self._actions = actions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        request = HttpRequest(scope, receive)
        added: list[Header] = request.state["backstay.exchange"].added
        added.append(_RELAY)
        caller = request.context.caller
        action = self._actions.find(caller, request.path.removeprefix(FUNCTIONS))
        if action is None:
            raise BackstayError("not_found", "There is no such function.")
        methods = allowed(action)
        if request.method == "OPTIONS":
            added.remove(_RELAY)
            await respond(send, 200, [(b"allow", ", ".join(methods).encode())])
            return
        if request.method not in methods:
            raise BackstayError("method_not_allowed", allow=methods)
        if action.only_reads:
            pairs = [pair for pair in parse_form(request.query) if pair[0] not in _IGNORED]
            arguments = from_texts(action, texts_of(pairs))
        else:
            arguments = await read_arguments(request, action)
        added.remove(_RELAY)
        outcome = await self._actions.call(request.context, action, arguments)
        if outcome.page is None:
            await answer(request, outcome, send, [_VARY])
            return
        body = outcome.page.body
        if action.gives is Gives.ROW:
            body = body[1:-1] or b"null"
        await respond(send, 200, [JSON, PRIVATE, _VARY], body, head=request.method == "HEAD")


def allowed(action: Action) -> tuple[str, ...]:
    """The methods that the functions door takes for an action."""
    return ("GET", "HEAD", "OPTIONS") if action.only_reads else (action.method, "OPTIONS")
