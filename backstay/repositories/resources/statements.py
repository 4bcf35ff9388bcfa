"""What was compiled for plans, kept: each plan's statements are made once, however many requests ask for it."""

from __future__ import annotations

from backstay.models.resources.plan import JointPlan, ReadPlan, WritePlan
from backstay.repositories.resources.compile import (
    CompiledStatement,
    compile_estimate,
    compile_read,
)
from backstay.repositories.resources.compile_joint import compile_joint
from backstay.repositories.resources.dialects import Dialect
from backstay.repositories.resources.key_read import compile_key_read
from backstay.repositories.resources.keyed import KeyedWrite
from backstay.repositories.resources.postgres_dialect import PostgresDialect
from backstay.repositories.resources.sqlite_dialect import SqliteDialect
from backstay.repositories.resources.write import CompiledWrite
from backstay.utils.bounded import BoundedDict

# A statement takes about 5 ms to compile and 20 KiB to keep.
KEPT_STATEMENTS = 2000


class Statements:
    """The statements of plans on one engine. Each method raises `PGRST127` for what that engine cannot do."""

    def __init__(self, engine: str) -> None:
        self.dialect: Dialect = SqliteDialect() if engine == "sqlite" else PostgresDialect()
        self._reads: BoundedDict[ReadPlan, CompiledStatement] = BoundedDict(KEPT_STATEMENTS)
        self._key_reads: BoundedDict[tuple[ReadPlan, bool, bool], CompiledStatement] = BoundedDict(
            KEPT_STATEMENTS
        )
        self._joint: BoundedDict[JointPlan, CompiledStatement] = BoundedDict(KEPT_STATEMENTS)
        self._estimates: BoundedDict[ReadPlan, CompiledStatement] = BoundedDict(KEPT_STATEMENTS)
        self._writes: BoundedDict[WritePlan, CompiledWrite] = BoundedDict(KEPT_STATEMENTS)
        self._keyed: BoundedDict[WritePlan, KeyedWrite] = BoundedDict(KEPT_STATEMENTS)

    def read(self, plan: ReadPlan) -> CompiledStatement:
        """A read: one row, of the number of rows shown, their document, and what else the plan asks for."""
        made = self._reads.get(plan)
        if made is None:
            made = self._reads[plan] = compile_read(plan, self.dialect)
        return made

    def read_keys(self, plan: ReadPlan, *, in_order: bool, is_one: bool) -> CompiledStatement:
        """The same among the rows of a document of keys, which is the last value.

        Args:
            in_order: rows come in the order of the keys.
            is_one: there is one key.
        """
        place = (plan, in_order, is_one)
        made = self._key_reads.get(place)
        if made is None:
            made = compile_key_read(plan, self.dialect, in_order=in_order, is_one=is_one)
            self._key_reads[place] = made
        return made

    def joint(self, plan: JointPlan) -> CompiledStatement:
        """Several reads: one row, of a document for each."""
        made = self._joint.get(plan)
        if made is None:
            made = self._joint[plan] = compile_joint(plan, self.dialect)
        return made

    def estimate(self, plan: ReadPlan) -> CompiledStatement:
        """PostgreSQL's own plan of a read."""
        made = self._estimates.get(plan)
        if made is None:
            made = self._estimates[plan] = compile_estimate(plan, self.dialect)
        return made

    def write(self, plan: WritePlan) -> CompiledWrite:
        """A write: programs of statements."""
        made = self._writes.get(plan)
        if made is None:
            made = self._writes[plan] = CompiledWrite(plan, self.dialect)
        return made

    def keyed(self, plan: WritePlan) -> KeyedWrite:
        """The steps of a write between which hooks run; each is a program."""
        made = self._keyed.get(plan)
        if made is None:
            made = self._keyed[plan] = KeyedWrite(plan, self.dialect)
        return made
