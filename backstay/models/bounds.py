"""Check constraints of a table, as far as they say something about one value alone, in the words of JSON Schema.

In charge of reading the plain forms (`rating BETWEEN 1 AND 5`, `length(code) = 2`, `state IN ('a', 'b')`, joined by
`AND`). What is written otherwise stays in the database, which has the last word anyway.
"""

from __future__ import annotations

import re
from typing import Any

from backstay.models.catalog import Resource

Keywords = dict[str, Any]

_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_COLUMN = r'(?:"?\w+"?\.)?"?(\w+)"?'
_LENGTH = rf"(?:char_)?length\s*\(\s*{_COLUMN}\s*\)"
_COMPARED = re.compile(rf"{_COLUMN}\s*(>=|<=|>|<)\s*({_NUMBER})\Z", re.IGNORECASE)
_BETWEEN = re.compile(rf"{_COLUMN}\s+BETWEEN\s+({_NUMBER})\s+AND\s+({_NUMBER})\Z", re.IGNORECASE)
_LENGTH_COMPARED = re.compile(rf"{_LENGTH}\s*(>=|<=|>|<|=)\s*(\d+)\Z", re.IGNORECASE)
_LENGTH_BETWEEN = re.compile(rf"{_LENGTH}\s+BETWEEN\s+(\d+)\s+AND\s+(\d+)\Z", re.IGNORECASE)
_ONE_OF = re.compile(
    rf"{_COLUMN}\s+IN\s*\(\s*('(?:[^']|'')*'(?:\s*,\s*'(?:[^']|'')*')*)\s*\)\Z", re.IGNORECASE
)
_NOT_EMPTY = re.compile(rf"{_COLUMN}\s*(?:<>|!=)\s*''\Z", re.IGNORECASE)
# The AND of a BETWEEN joins its bounds, not two conditions.
_AND = re.compile(rf"(?<!BETWEEN )(?<!\w)AND(?!\w)(?!\s+{_NUMBER}\s*(?:\)|AND\b|\Z))", re.IGNORECASE)
_WORDS = {">=": "minimum", "<=": "maximum", ">": "exclusiveMinimum", "<": "exclusiveMaximum"}


def check_keywords(resource: Resource) -> dict[str, Keywords]:
    """Schema keywords by column, such as `{"rating": {"minimum": 1, "maximum": 5}}`."""
    found: dict[str, Keywords] = {}
    for text in _conditions(resource):
        read = _read(text)
        if read is not None and read[0] in resource.fields:
            found.setdefault(read[0], {}).update(read[1])
    return found


def _conditions(resource: Resource) -> list[str]:
    conditions: list[str] = []
    of_columns = (constraint for column in resource.table.columns for constraint in column.constraints)
    for constraint in sorted({*resource.table.constraints, *of_columns}, key=lambda found: str(found.name)):
        source = getattr(constraint, "sqltext", None)
        # A type's own constraint (an enum's, say) is described by the type.
        if source is not None and not getattr(constraint, "_type_bound", False):
            text = str(source.compile(compile_kwargs={"literal_binds": True}))
            conditions += (_bare(part) for part in _AND.split(_bare(text)))
    return conditions


def _bare(text: str) -> str:
    text = text.strip()
    while text.startswith("(") and text.endswith(")") and ")" not in text[1:-1].partition("(")[0]:
        inner = text[1:-1]
        if _closes_early(inner):
            break
        text = inner.strip()
    return text


def _closes_early(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return True
    return False


def _read(text: str) -> tuple[str, Keywords] | None:
    if match := _LENGTH_BETWEEN.match(text):
        return match[1], {"minLength": int(match[2]), "maxLength": int(match[3])}
    if match := _LENGTH_COMPARED.match(text):
        return match[1], _length(match[2], int(match[3]))
    if match := _BETWEEN.match(text):
        return match[1], {"minimum": _number(match[2]), "maximum": _number(match[3])}
    if match := _COMPARED.match(text):
        return match[1], {_WORDS[match[2]]: _number(match[3])}
    if match := _ONE_OF.match(text):
        return match[1], {
            "enum": [item.replace("''", "'") for item in re.findall(r"'((?:[^']|'')*)'", match[2])]
        }
    if match := _NOT_EMPTY.match(text):
        return match[1], {"minLength": 1}
    return None


def _length(operator: str, number: int) -> Keywords:
    if operator == "=":
        return {"minLength": number, "maxLength": number}
    if operator in (">=", ">"):
        return {"minLength": number + (operator == ">")}
    return {"maxLength": number - (operator == "<")}


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)
