"""Documents: their text becomes a tree, once; within limits before it is validated, and valid for a schema, once.

In charge of parsing, limits, validation and of what is remembered of them, by the text alone: variables are no part of
any key. A document that was refused is remembered as such, so that sending it again costs nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from graphql import (
    FragmentDefinitionNode,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    parse,
    specified_rules,
    validate,
)
from graphql.language import DocumentNode

from backstay.config.graphql import GraphQLSettings
from backstay.controllers.resources.graphql.answers import RefusedError, refused
from backstay.controllers.resources.graphql.limits import check_limits
from backstay.errors import BackstayError
from backstay.utils.bounded import BoundedDict

# The tree of a document of 1,000 tokens takes 350 KiB.
KEPT_DOCUMENTS = 300
KEPT_VALIDATIONS = 1000
MAX_ERRORS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A document within limits."""

    tree: DocumentNode
    operations: tuple[OperationDefinitionNode, ...]
    fragments: Mapping[str, FragmentDefinitionNode]

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation of that name, or the only one.

        Raises:
            BackstayError: `bad_request` when there is none, or none is named and there are several.
        """
        found = [one for one in self.operations if name is None or (one.name and one.name.value == name)]
        if len(found) == 1:
            return found[0]
        if not found:
            raise BackstayError("bad_request", "The document has no operation of this name.")
        raise BackstayError("bad_request", "The document has several operations: operationName says which.")


class Documents:
    """Parses and validates, remembering both."""

    def __init__(self, settings: GraphQLSettings, *, introspection: bool, suggestions: bool) -> None:
        self._settings = settings
        self._suggestions = suggestions
        rules = [*specified_rules]
        if not introspection:
            rules.append(NoSchemaIntrospectionCustomRule)
        self._rules = tuple(rules)
        self._documents: BoundedDict[str, Document | Exception] = BoundedDict(KEPT_DOCUMENTS)
        self._problems: BoundedDict[Hashable, RefusedError | None] = BoundedDict(KEPT_VALIDATIONS)

    def read(self, text: str) -> Document:
        """The document of a text.

        Raises:
            BackstayError: `54000` for one that is too large.
            RefusedError: `graphql_parse_failed`.
        """
        if (
            len(text) > self._settings.max_bytes
            or len(text.encode("utf-8", "replace")) > self._settings.max_bytes
        ):
            raise BackstayError("54000", f"a document may have at most {self._settings.max_bytes} bytes")
        known = self._documents.get(text)
        if known is None:
            known = self._documents[text] = self._read(text)
        if isinstance(known, RefusedError):
            raise RefusedError(known.entries)
        if isinstance(known, BackstayError):
            raise BackstayError(known.code, known.message)
        assert isinstance(known, Document)
        return known

    def validate(self, text: str, document: Document, schema: GraphQLSchema, kind: Hashable) -> None:
        """Refuse a document that does not fit the schema.

        Raises:
            RefusedError: `graphql_validation_failed`, with every error.
        """
        place = (text, kind)
        if place not in self._problems:
            problems = validate(
                schema,
                document.tree,
                self._rules,
                max_errors=MAX_ERRORS,
                hide_suggestions=not self._suggestions,
                allow_empty_selection_sets=False,
            )
            self._problems[place] = refused("graphql_validation_failed", problems) if problems else None
        known = self._problems[place]
        if known is not None:
            raise RefusedError(known.entries)

    def _read(self, text: str) -> Document | Exception:
        settings = self._settings
        try:
            tree = parse(
                text,
                max_tokens=settings.max_tokens,
                max_lexical_tokens=settings.max_tokens,
                max_comments=settings.max_tokens,
                allow_empty_selection_sets=False,
            )
            check_limits(tree, settings)
        except GraphQLSyntaxError as error:
            return refused("graphql_parse_failed", [error])
        except BackstayError as error:
            # Without its traceback, which would keep the tree.
            return BackstayError(error.code, error.message)
        except RecursionError:
            return BackstayError("54000", "the document is nested too deeply")
        operations = tuple(one for one in tree.definitions if isinstance(one, OperationDefinitionNode))
        fragments = {
            one.name.value: one for one in tree.definitions if isinstance(one, FragmentDefinitionNode)
        }
        return Document(tree, operations, fragments)
