"""The arguments of a call, read strictly: from JSON, or from texts and files as a query string or a form has them.

A number is not text in JSON. A text by itself says no type: it is taken as text where the argument is text, and else as
the JSON that it is, or as an array literal `{a,b}`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from backstay.errors import BackstayError, FieldProblem
from backstay.models.resources.actions import Action, Takes
from backstay.services.action import Upload
from backstay.services.resources.literals import array_items
from backstay.utils import json_text

Arguments = dict[str, Any]
_MOST_PROBLEMS = 100


def from_json(action: Action, document: bytes) -> Arguments:
    """The arguments in a JSON object; nothing at all counts as an empty one.

    What is no object is the argument itself, where the action has one alone.

    Raises:
        BackstayError: `PGRST102` for other JSON, and what is none; `validation_failed` with a problem for each bad
            value, each missing and each unknown argument.
    """
    document = document or b"{}"
    try:
        value = json_text.loads(document.decode())
        if not isinstance(value, dict):
            document = b'{"%b":%b}' % (_only(action).encode(), document)
        if b"\\u" in document:
            json.dumps(value, ensure_ascii=False, default=str).encode()
    except ValueError as error:
        raise BackstayError("PGRST102", details=str(error)[:200]) from None
    try:
        return _by_name(action, action.arguments.model_validate_json(document, strict=True))
    except ValidationError as error:
        raise _problems(error) from None


def _only(action: Action) -> str:
    """The name of the one argument that the action has.

    Raises:
        ValueError: it has none, or several, or one that JSON cannot hold.
    """
    names = [each.name for each in action.parameters]
    if len(names) != 1 or action.parameters[0].takes in (Takes.BYTES, Takes.UPLOAD):
        raise ValueError("the arguments are an object")
    return names[0]


def from_texts(
    action: Action, texts: Mapping[str, Sequence[str]], files: Mapping[str, Upload] | None = None
) -> Arguments:
    """The arguments in texts by name, each as often as it was sent, and in files.

    Raises:
        BackstayError: `validation_failed`.
    """
    known = {each.name: each for each in action.parameters}
    placed: dict[str, Any] = {}
    for name, upload in (files or {}).items():
        takes = known[name].takes if name in known else Takes.JSON
        if takes is Takes.UPLOAD:
            placed[name] = upload
        elif takes is Takes.BYTES:
            placed[name] = upload.content
        else:
            raise _problem(name, "unexpected_file", "This argument is no file")
    choices = {}
    for name, values in texts.items():
        if name in known and known[name].takes in (Takes.BYTES, Takes.UPLOAD):
            raise _problem(name, "file_expected", "This argument is a file")
        choices[name] = list(_readings(values))
    read = _by_name(action, _first_that_fits(action.textual, choices), textual=True)
    try:
        return _by_name(action, action.arguments.model_validate(read | placed))
    except ValidationError as error:
        raise _problems(error) from None


def _first_that_fits(model: type[BaseModel], choices: Mapping[str, Sequence[Any]]) -> BaseModel:
    """Each argument in the first of its readings that its type takes."""
    place = dict.fromkeys(choices, 0)
    while True:
        try:
            document = {name: choices[name][number] for name, number in place.items()}
            return model.model_validate_json(json.dumps(document, default=str), strict=True)
        except ValidationError as error:
            failed = {str(each["loc"][0]) for each in error.errors(include_url=False) if each["loc"]}
            left = [name for name in failed & place.keys() if place[name] + 1 < len(choices[name])]
            if not left:
                raise _problems(error) from None
            for name in left:
                place[name] += 1


def _readings(values: Sequence[str]) -> Iterator[Any]:
    """What texts may mean, the plainest first."""
    if len(values) == 1:
        yield values[0]
        parsed = _parsed(values[0])
        if parsed is not None or values[0] == "null":
            yield parsed
    items: Sequence[str | None] = values
    if len(values) == 1:
        try:
            items = array_items(values[0])
        except BackstayError:
            return
    yield list(items)
    yield [item if item is None else _parsed(item) for item in items]


def _parsed(text: str) -> Any:
    """The text as JSON, exactly; None for what is none."""
    try:
        json_text.loads(text)
        return json.loads(text)
    except ValueError:
        return None


def _by_name(action: Action, read: BaseModel, *, textual: bool = False) -> Arguments:
    return {
        info.alias or name: getattr(read, name)
        for name, info in type(read).model_fields.items()
        if not textual or name in read.model_fields_set
    }


def _problem(name: str, code: str, message: str) -> BackstayError:
    return BackstayError("validation_failed", details=[FieldProblem(name, code, message)])


def _problems(error: ValidationError) -> BackstayError:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    problems = [
        FieldProblem(".".join(map(str, each["loc"])), each["type"], each["msg"])
        for each in found[:_MOST_PROBLEMS]
    ]
    return BackstayError("validation_failed", details=problems)
