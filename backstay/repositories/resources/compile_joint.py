"""Compiling several reads that are answered together: one statement, whose one row has the document of each."""

from __future__ import annotations

from sqlalchemy import select

from backstay.models.resources.plan import JointPlan
from backstay.repositories.resources.compile import Build, CompiledStatement
from backstay.repositories.resources.dialects import Dialect


def compile_joint(plan: JointPlan, dialect: Dialect) -> CompiledStatement:
    """Compile the reads of a joint plan; each document is text."""
    build = Build(dialect, plan.parameters, plan.predicates)
    if len(plan.queries) == 1:
        # SQLite's parser counts every level of brackets.
        rows = build.rows(plan.queries[0]).subquery("q")
        return build.finish(select(dialect.document(rows)).select_from(rows))
    documents = []
    for number, query in enumerate(plan.queries):
        rows = build.rows(query).subquery(f"q{number}")
        documents.append(select(dialect.document(rows)).select_from(rows).scalar_subquery())
    return build.finish(select(*documents))
