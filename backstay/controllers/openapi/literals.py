"""Regular expressions of what a query string may say about a column: its literals and its filters.

They describe what every reader may send and every database answers. The grammar is larger (JSON paths, embedded
filters); what is left out here is in the words of the description.
"""

from __future__ import annotations

import re

from backstay.models.catalog import Field, SearchedText, ValueKind

_DAY = (
    r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_DATE = rf"[1-9][0-9]{{3}}-{_DAY}"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_NUMBER = r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?"
_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_FLAT = r'(?:null|true|false|-?(?:0|[1-9][0-9]{0,8})|"[A-Za-z0-9_ ]*")'
_JSON = rf'(?:{_FLAT}|\[(?:{_FLAT}(?:,{_FLAT})*)?\]|\{{(?:"[A-Za-z0-9_ ]+":{_FLAT})?\}})'
_PLAIN_TEXT = r'[^\x00-\x1f\x7f-\x9f ,(){}"\\][^\x00-\x1f\x7f-\x9f,(){}"\\]*'
_LITERALS: dict[ValueKind, str] = {
    ValueKind.FLOAT: _NUMBER,
    ValueKind.DECIMAL: _NUMBER,
    ValueKind.BOOLEAN: "(?:true|false)",
    ValueKind.UUID: _UUID,
    ValueKind.TIMESTAMP: rf"{_DATE}T{_CLOCK}(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])",
    ValueKind.DATETIME: rf"{_DATE}T{_CLOCK}",
    ValueKind.DATE: _DATE,
    ValueKind.TIME: _CLOCK,
    ValueKind.BYTES: r"\\x(?:[0-9a-fA-F]{2})*",
    ValueKind.JSON: _JSON,
    ValueKind.TEXT: r"[^\x00]*",
}
_ORDERED = "(?:eq|neq|gt|gte|lt|lte|isdistinct)"
_QUANTIFIED = r"(?:eq|gt|gte|lt|lte)\((?:any|all)\)"
# A dot as the first character could make the segment a `.` or `..`, which no server lets through.
_KEY_START = r"[^\x00-\x20\x7f-\x9f\u202d\u202e/\\.,=%?#;]"
_KEY_REST = r"[^\x00-\x1f\x7f-\x9f\u202d\u202e/\\,=%?#;]"
KEY_TEXT = f"{_KEY_START}{_KEY_REST}*"


def literal(field: Field) -> str:
    """The literal of a value of this column, alone at the end of a parameter. Not anchored."""
    if field.kind is ValueKind.INTEGER:
        return f"(?:0|-?(?:{_up_to(str((1 << field.bits - 1) - 1))}))"
    if field.kind is ValueKind.ENUM:
        return "(?:" + "|".join(re.escape(choice) for choice in field.choices) + ")"
    if field.kind is ValueKind.ARRAY:
        return rf"\{{(?:{listed_literal(_item(field))}(?:,{listed_literal(_item(field))})*)?\}}"
    return _LITERALS.get(field.kind, r"[^\x00]*")


def filter_pattern(field: Field) -> str:
    """What may follow `column=`, anchored."""
    forms = [r"is\.(?:null|not_null)", *_KIND_FORMS.get(field.kind, lambda field: [])(field)]
    if field.kind is ValueKind.ARRAY:
        forms.append(rf"(?:eq|neq|isdistinct)\.{literal(field)}")
    elif field.kind is not ValueKind.RANGE:
        forms.append(rf"{_ORDERED}\.{literal(field)}")
    if field.kind not in (ValueKind.RANGE, ValueKind.ARRAY, ValueKind.JSON, ValueKind.BYTES):
        listed = listed_literal(field)
        forms.append(rf"in\.\((?:{listed}(?:,{listed})*)?\)")
        forms.append(rf"{_QUANTIFIED}\.\{{{listed}(?:,{listed})*\}}")
    return rf"^(?:not\.)?(?:{'|'.join(forms)})$"


def search_pattern(search: SearchedText) -> str:
    """What may follow `search=`, anchored: words in few enough, and of `fts` only its plain forms."""
    config = rf"(?:\({search.config}\))?"
    word = "[A-Za-z]{1,20}(?::\\*)?"
    forms = [
        rf"(?:wfts|plfts|phfts){config}\.[^\x00]{{0,150}}",
        rf"fts{config}\.{word}(?: [&|] {word}){{0,5}}",
    ]
    return rf"^(?:not\.)?(?:{'|'.join(forms)})$"


def key_pattern(key: tuple[Field, ...]) -> str:
    """A primary key as a path segment, anchored: its values joined by commas."""
    return f"^{','.join(_key_part(field) for field in key)}$"


def _key_part(field: Field) -> str:
    if field.kind is not ValueKind.TEXT:
        return literal(field)
    return KEY_TEXT if field.length is None else f"{_KEY_START}{_KEY_REST}{{0,{field.length - 1}}}"


def _text_forms(field: Field) -> list[str]:
    return [r"i?like\.[^\x00\\]{0,100}", r"i?match\.\^?[A-Za-z0-9 ]{0,100}\$?"]


def _range_forms(field: Field) -> list[str]:
    bound = r"[0-9]{1,9}" if field.sql_type.startswith("int") else _NUMBER
    if field.sql_type.startswith(("date", "ts")):
        bound = _DATE
    return [rf"(?:cs|cd|ov|sl|sr|nxr|nxl|adj)\.(?:empty|\[{bound},\)|\(,{bound}\])"]


_KIND_FORMS = {
    ValueKind.TEXT: _text_forms,
    ValueKind.BOOLEAN: lambda field: [r"is\.(?:true|false|unknown)"],
    ValueKind.ARRAY: lambda field: [rf"(?:cs|cd|ov)\.{literal(field)}"],
    ValueKind.JSON: lambda field: [rf"(?:cs|cd)\.{_JSON}"],
    ValueKind.RANGE: _range_forms,
}


def _item(field: Field) -> Field:
    assert field.item is not None
    return field.item


def listed_literal(field: Field) -> str:
    """A literal inside a list, written without quotes."""
    if field.kind is ValueKind.TEXT:
        return f"(?:{_PLAIN_TEXT})"
    if field.kind is ValueKind.ENUM:
        plain = [re.escape(choice) for choice in field.choices if re.fullmatch(r"[\w-]+", choice)]
        return f"(?:{'|'.join(plain)})" if plain else f"(?:{_PLAIN_TEXT})"
    if field.kind in (ValueKind.JSON, ValueKind.BYTES, ValueKind.ARRAY):
        return f'"(?:{_PLAIN_TEXT})"'
    if field.kind is ValueKind.INTEGER:
        # One digit less than the widest keeps a pattern that occurs twice in every list readable.
        return f"(?:0|-?[1-9][0-9]{{0,{len(str(1 << field.bits - 1)) - 2}}})"
    return literal(field)


def _up_to(number: str) -> str:
    """Every whole number from 1 to `number`, without leading zeros."""
    forms = [f"[1-9][0-9]{{0,{len(number) - 2}}}"]
    for place, digit in enumerate(number):
        lowest = 1 if place == 0 else 0
        if int(digit) > lowest:
            rest = len(number) - place - 1
            forms.append(
                f"{number[:place]}[{lowest}-{int(digit) - 1}]" + (f"[0-9]{{{rest}}}" if rest else "")
            )
    return "|".join([*forms, number])
