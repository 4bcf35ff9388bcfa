"""Reading the actions of services into values, at start.

In charge of names, argument and answer types, and of refusing what could not be served safely, each with its name.
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, PydanticSchemaGenerationError, TypeAdapter, create_model
from pydantic.errors import PydanticUserError

from backstay.errors import ConfigurationError
from backstay.models.access.rules import Rule, RuleSource
from backstay.models.access.terms import caller
from backstay.models.catalog import Catalog, Resource
from backstay.models.resources.actions import Action, ActionArgument, ActionCatalog, Gives, Takes
from backstay.models.resources.typed import Argument, Function, Schema
from backstay.services.action import DECLARED, Declared, Events, File, Stream, Upload
from backstay.services.service import Service

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_STRICT = ConfigDict(strict=True, extra="forbid", arbitrary_types_allowed=True)
_MOST_TERMS = 8
_SPECIAL: Mapping[Any, Gives] = {File: Gives.FILE, Stream: Gives.STREAM, Events: Gives.EVENTS}
FILES = frozenset({Takes.BYTES, Takes.UPLOAD})
_LISTS = (list, tuple, Sequence)


class _RefusedError(Exception):
    """What is wrong with one action."""


def read_actions(services: Iterable[type[Service]], catalog: Catalog) -> ActionCatalog:
    """Every action of those services.

    Raises:
        ConfigurationError: with a line for each action that cannot be served.
    """
    by_model = {resource.model: resource for resource in catalog.resources.values()}
    problems: list[str] = []
    actions: dict[str, Action] = {}
    for service in services:
        for attribute, method, declared in _declared(service):
            words = f"{service.__name__}.{attribute}"
            try:
                read = _read(service, attribute, method, declared, by_model)
            except _RefusedError as error:
                problems.append(f"{words}: {error}")
                continue
            if read.name in actions:
                problems.append(f"{words}: there is another action called '{read.name}'")
            actions[read.name] = read
    if problems:
        raise ConfigurationError(problems)
    return ActionCatalog(actions)


def _declared(service: type[Service]) -> Iterator[tuple[str, Any, Declared]]:
    """The actions that the class itself defines: what is inherited is served by who defined it."""
    for attribute, value in vars(service).items():
        declared = getattr(value, DECLARED, None)
        if isinstance(declared, Declared):
            yield attribute, value, declared


def _read(
    service: type[Service],
    attribute: str,
    method: Any,
    declared: Declared,
    by_model: Mapping[type, Resource],
) -> Action:
    name = declared.name or f"{_subject(service, by_model)}.{attribute}"
    if _NAME.fullmatch(name) is None:
        raise _RefusedError(f"'{name}' is no name: lower-case words joined by dots")
    if declared.method not in METHODS:
        raise _RefusedError(f"the method is one of {', '.join(METHODS)}")
    if not inspect.iscoroutinefunction(method):
        raise _RefusedError(
            "it must be an `async def` that returns its answer;"
            " what it makes bit by bit it returns as a Stream or as Events"
        )
    rule, words = _rule(declared)
    hints = _hints(method)
    parameters, arguments, textual, definitions = _arguments(name, method, hints)
    gives, resource, adapter = _answer(hints, declared.rows, by_model)
    returns, more = _returned(gives, resource, adapter)
    function = Function(
        name=name,
        arguments=tuple(Argument(each.name, each.schema, each.required) for each in parameters),
        returns=returns,
        definitions={**definitions, **more},
        description=inspect.getdoc(method) or "",
    )
    return Action(
        name, declared.method, rule, words, parameters, arguments, textual, gives, resource, adapter, function,
        service, attribute,
    )  # fmt: skip


def _subject(service: type[Service], by_model: Mapping[type, Resource]) -> str:
    """What a service's actions are named for: its own name, its model's table, or its class."""
    if service.subject is not None:
        return service.subject
    if service.model is not None and service.model in by_model:
        return by_model[service.model].name
    words = service.__name__.removesuffix("Service") or service.__name__
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", words).lower()


def _rule(declared: Declared) -> tuple[Rule, str]:
    source: RuleSource | None = declared.rule
    if declared.requires is not None:
        permission = caller.can(declared.requires)
        source = permission if source is None or source is True else permission & source
    if source is None:
        raise _RefusedError(
            "it has no rule; give it rule=True for everyone, rule=caller.is_authenticated,"
            ' rule=caller.has_role("…") or requires="…"'
        )
    rule = Rule(source)
    if len(rule.terms) > _MOST_TERMS:
        raise _RefusedError(f"its rule has more than {_MOST_TERMS} terms")
    for signature in itertools.product((True, False), repeat=len(rule.terms)):
        if not isinstance(rule.fold_where(signature), bool):
            raise _RefusedError(
                "its rule depends on a row, or compares values; it is made of caller.is_authenticated,"
                " has_role, can and aal2 alone"
            )
    text = " ".join(str(rule.expression).split())
    return rule, {"true": "everyone", "false": "nobody"}.get(text, text)


def _hints(method: Any) -> dict[str, Any]:
    try:
        return get_type_hints(method, include_extras=True)
    except NameError as error:
        raise _RefusedError(
            f"{error}; types of an action are imported, not only for type checking"
        ) from error


def _arguments(
    name: str, method: Any, hints: Mapping[str, Any]
) -> tuple[tuple[ActionArgument, ...], type[BaseModel], type[BaseModel], Mapping[str, Schema]]:
    """Every argument after the context, and the models that validate them together."""
    given = list(inspect.signature(method).parameters.values())
    if len(given) < 2:
        raise _RefusedError("its first arguments are self and ctx")
    fields: dict[str, Any] = {}
    for number, parameter in enumerate(given[2:]):
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise _RefusedError(f"the argument '{parameter.name}' must be one that can be given by name")
        if parameter.name not in hints:
            raise _RefusedError(f"the argument '{parameter.name}' has no type")
        default = ... if parameter.default is parameter.empty else parameter.default
        # By alias, since a field may not be called what a method of the model is called.
        fields[f"argument_{number}"] = (hints[parameter.name], Field(default, alias=parameter.name))
    try:
        model = create_model(f"{name} arguments", __config__=_STRICT, **fields)
        texts = {key: each for key, each in fields.items() if _takes(each[0]) not in FILES}
        textual = create_model(f"{name} texts", __config__=_STRICT, **texts)
        described = model.model_json_schema(ref_template="#/$defs/{model}")
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise _RefusedError(
            f"an argument has a type that cannot be read from JSON: {error.message}"
        ) from error
    required = described.get("required", ())
    parameters = tuple(
        ActionArgument(each.name, _takes(hints[each.name]), each.name in required, schema)
        for each, schema in zip(given[2:], described.get("properties", {}).values(), strict=True)
    )
    return parameters, model, textual, described.get("$defs", {})


def _takes(hint: Any) -> Takes:
    kinds = {_bare(part) for part in _alternatives(hint)} - {NoneType}
    return {
        frozenset({str}): Takes.TEXT,
        frozenset({bytes}): Takes.BYTES,
        frozenset({Upload}): Takes.UPLOAD,
    }.get(frozenset(kinds), Takes.JSON)


def _alternatives(hint: Any) -> tuple[Any, ...]:
    hint = _bare(hint)
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _answer(
    hints: Mapping[str, Any], found: type[Any] | None, by_model: Mapping[type, Resource]
) -> tuple[Gives, Resource | None, TypeAdapter[Any] | None]:
    if "return" not in hints:
        raise _RefusedError("it does not say what it returns; `-> None` for nothing")
    hint = _bare(hints["return"])
    if hint is None or hint is NoneType:
        return Gives.NOTHING, None, None
    if hint in _SPECIAL:
        return _SPECIAL[hint], None, None
    alone = [part for part in _alternatives(hint) if part is not NoneType]
    if len(alone) == 1 and isinstance(alone[0], type) and alone[0] in by_model:
        return Gives.ROW, by_model[alone[0]], None
    if getattr(hint, "__visit_name__", "") == "select":
        if found is None or found not in by_model:
            raise _RefusedError("it returns a Select; say whose rows it finds: @action(rows=…)")
        return Gives.ROWS, by_model[found], None
    items = [part for part in get_args(hint) if part is not Ellipsis]
    if get_origin(hint) in _LISTS and len(items) == 1 and isinstance(items[0], type) and items[0] in by_model:
        return Gives.ROWS, by_model[items[0]], None
    try:
        return Gives.VALUE, None, TypeAdapter(hint)
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise _RefusedError(f"it returns a type that has no form in JSON: {_first_line(error)}") from error


def _returned(
    gives: Gives, resource: Resource | None, adapter: TypeAdapter[Any] | None
) -> tuple[Schema | None, Mapping[str, Schema]]:
    """The schema of the answer for programs, and what it refers to."""
    if resource is not None:
        row = {"$ref": f"#/components/schemas/{resource.name}.Row"}
        return (row if gives is Gives.ROW else {"type": "array", "items": row}), {}
    if adapter is None:
        return None if gives is Gives.NOTHING else {"type": "string"}, {}
    schema = adapter.json_schema(mode="serialization", ref_template="#/$defs/{model}")
    return schema, schema.pop("$defs", {})


def _first_line(error: PydanticUserError) -> str:
    return error.message.partition(". ")[0].partition("\n")[0]
