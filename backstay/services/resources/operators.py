"""Which operator fits which kind of value, how its literal is read, and which casts there are.

One table for both databases: what one of them could not do the same way is refused on both, except where the
protocol reserves a code for it (full text and ranges, refused by the compiler of the engine that lacks them).
"""

from __future__ import annotations

from backstay.errors import BackstayError
from backstay.models.catalog import JSON_VALUE, Field, ValueKind
from backstay.models.resources.plan import Form, Reference
from backstay.models.resources.request import Filter, IsValue, Operator

_K = ValueKind
_TEXTUAL = frozenset({_K.TEXT})
_EQUAL = frozenset(_K) - {_K.RANGE}
_CONTAINERS = frozenset({_K.ARRAY, _K.JSON, _K.RANGE})
_O = Operator

_FITS: dict[Operator, frozenset[ValueKind]] = {
    **dict.fromkeys((_O.EQ, _O.NEQ, _O.ISDISTINCT), _EQUAL),
    **dict.fromkeys((_O.GT, _O.GTE, _O.LT, _O.LTE, _O.IN), _EQUAL - {_K.ARRAY}),
    **dict.fromkeys((_O.LIKE, _O.ILIKE, _O.MATCH, _O.IMATCH), _TEXTUAL),
    **dict.fromkeys((_O.FTS, _O.PLAIN_FTS, _O.PHRASE_FTS, _O.WEB_FTS), _TEXTUAL),
    **dict.fromkeys((_O.CONTAINS, _O.CONTAINED), _CONTAINERS),
    _O.OVERLAPS: frozenset({_K.ARRAY, _K.RANGE}),
    **dict.fromkeys(
        (_O.STRICTLY_LEFT, _O.STRICTLY_RIGHT, _O.NOT_RIGHT, _O.NOT_LEFT, _O.ADJACENT), frozenset({_K.RANGE})
    ),
    _O.IS: frozenset(_K),
}

_SYMBOLS = {
    _O.LIKE: "~~",
    _O.ILIKE: "~~*",
    _O.MATCH: "~",
    _O.IMATCH: "~*",
    _O.CONTAINS: "@>",
    _O.CONTAINED: "<@",
    _O.OVERLAPS: "&&",
    _O.STRICTLY_LEFT: "<<",
    _O.STRICTLY_RIGHT: ">>",
    _O.NOT_RIGHT: "&<",
    _O.NOT_LEFT: "&>",
    _O.ADJACENT: "-|-",
}

_FORMS = {
    _O.LIKE: Form.PATTERN,
    _O.ILIKE: Form.PATTERN,
    _O.MATCH: Form.REGEX,
    _O.IMATCH: Form.REGEX,
    _O.IN: Form.LIST,
    _O.CONTAINS: Form.CONTAINER,
    _O.CONTAINED: Form.CONTAINER,
    _O.OVERLAPS: Form.CONTAINER,
    **dict.fromkeys((_O.FTS, _O.PLAIN_FTS, _O.PHRASE_FTS, _O.WEB_FTS), Form.TEXT),
}
_LISTS = {Form.SCALAR: Form.LIST, Form.PATTERN: Form.PATTERN_LIST, Form.REGEX: Form.REGEX_LIST}


def check_operator(reference: Reference, filter_: Filter) -> None:
    """Refuse an operator that means nothing for this kind of value.

    Raises:
        BackstayError: `42883`; `42804` for a truth value asked of what is no boolean.
    """
    # PostgreSQL has no list of arrays that would not be an array of their items.
    listed = filter_.quantifier is not None and reference.kind is _K.ARRAY
    if listed or reference.kind not in _FITS[filter_.operator]:
        symbol = _SYMBOLS.get(filter_.operator, filter_.operator.value)
        name = reference.field.sql_type if not reference.steps else reference.kind.value
        raise BackstayError("42883", f"operator does not exist: {name} {symbol} unknown")
    truth = filter_.is_value in (IsValue.TRUE, IsValue.FALSE, IsValue.UNKNOWN)
    if truth and reference.kind is not ValueKind.BOOLEAN:
        raise BackstayError("42804", f"argument of IS {filter_.is_value} must be type boolean")


def form_of(reference: Reference, filter_: Filter) -> tuple[Form, Field | None]:
    """How the literal of a filter is read, and as a value of which field."""
    form = _FORMS.get(filter_.operator, Form.SCALAR)
    if filter_.quantifier is not None:
        form = _LISTS[form]
    if reference.steps:
        return form, JSON_VALUE if reference.kind is ValueKind.JSON else None
    return form, reference.field


CASTS: dict[str, ValueKind] = {
    **dict.fromkeys(("text", "varchar", "character varying"), _K.TEXT),
    **dict.fromkeys(("bigint", "int8", "int", "integer", "int4"), _K.INTEGER),
    **dict.fromkeys(("float8", "double precision"), _K.FLOAT),
    **dict.fromkeys(("numeric", "decimal"), _K.DECIMAL),
    **dict.fromkeys(("bool", "boolean"), _K.BOOLEAN),
    "uuid": _K.UUID,
    "date": _K.DATE,
    **dict.fromkeys(("timestamptz", "timestamp with time zone"), _K.TIMESTAMP),
    **dict.fromkeys(("json", "jsonb"), _K.JSON),
}

_NUMBERS = (_K.INTEGER, _K.FLOAT, _K.DECIMAL)
ALLOWED_CASTS: frozenset[tuple[ValueKind, ValueKind]] = frozenset(
    {
        *((kind, _K.TEXT) for kind in _K if kind not in (_K.ARRAY, _K.RANGE, _K.BYTES)),
        *((_K.TEXT, kind) for kind in CASTS.values()),
        *((one, other) for one in _NUMBERS for other in _NUMBERS),
        (_K.BOOLEAN, _K.INTEGER),
        (_K.INTEGER, _K.BOOLEAN),
        (_K.TIMESTAMP, _K.DATE),
        (_K.DATE, _K.TIMESTAMP),
    }
)
