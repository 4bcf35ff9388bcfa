"""An application with business logic: trees, their fruits, and a journal that only the application writes.

Hooks do what a row's name tells them to, and note in `CALLS` that they ran.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import ForeignKey, Select, String, UniqueConstraint, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from backstay.errors import ApplicationError, BackstayError, FieldProblem
from backstay.models.access.caller import Caller
from backstay.models.access.rules import Access
from backstay.models.access.terms import caller
from backstay.models.auth.user import User
from backstay.models.base import Model, primary_key
from backstay.repositories.repository import Repository
from backstay.services.action import Event, Events, File, Stream, Upload, action
from backstay.services.context import Context
from backstay.services.resources.records import Records
from backstay.services.service import Service
from tests.api.seed import BOB

CALLS: list[str] = []
TREES_HEADERS = {"Prefer": "return=representation"}


class Tree(Model):
    """Trees; whoever plants one owns it. Nobody below the rules sees its slug."""

    __tablename__ = "trees"
    id: Mapped[UUID] = primary_key()
    owner_id: Mapped[UUID] = mapped_column(ForeignKey(User.id), default=caller.id)
    name: Mapped[str] = mapped_column(String(20))
    height: Mapped[int | None]
    planted: Mapped[dt.date | None]
    felled: Mapped[dt.date | None]
    public: Mapped[bool] = mapped_column(default=False)
    slug: Mapped[str] = mapped_column(String(30))
    __table_args__ = (UniqueConstraint("owner_id", "name"),)


class TreeAccess(Access, model=Tree):
    read = Tree.public | (Tree.owner_id == caller.id)
    create = update = delete = Tree.owner_id == caller.id
    fields = {Tree.slug: False}


class Fruit(Model):
    """Fruits of trees."""

    __tablename__ = "fruits"
    id: Mapped[int] = mapped_column(primary_key=True)
    tree_id: Mapped[UUID] = mapped_column(ForeignKey("trees.id", ondelete="CASCADE"))
    words: Mapped[str]


class FruitAccess(Access, model=Fruit):
    read = create = update = delete = True


class Line(Model):
    """Lines of the journal. No caller below the rules can do anything with them."""

    __tablename__ = "journal"
    id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[str]


class LineAccess(Access, model=Line):
    read = create = update = delete = False


class Sapling(Model):
    """A table without hooks that looks like one with them."""

    __tablename__ = "saplings"
    id: Mapped[UUID] = primary_key()
    name: Mapped[str] = mapped_column(String(20))


class SaplingAccess(Access, model=Sapling):
    read = create = update = delete = True


class TooTallError(ApplicationError, code="too_tall", kind="conflict"):
    """That is too tall
    for this orchard.

    Nobody knows why.
    """


class Counting(Repository):
    """Queries on the hook's own session."""

    async def trees(self) -> int:
        return await self.session.scalar(select(func.count()).select_from(Tree)) or 0


class TreeService(Service, model=Tree):
    """Hooks of trees."""

    def __init__(self, counting: Counting, records: Records) -> None:
        self.counting = counting
        self.records = records

    async def before_create(self, ctx: Context, values: dict[str, Any]) -> None:
        name = values["name"]
        CALLS.append(f"before_create {name} {values['owner_id'] == ctx.caller.id}")
        values["slug"] = f"slug of {name}"
        match name:
            case "shout":
                values["name"] = name.upper()
            case "long":
                values["name"] = name * 10
            case "stolen":
                values["owner_id"] = BOB
            case "unknown":
                values["nme"] = "misspelt"
            case "tall":
                raise TooTallError(hint="Plant a bush.")
            case "broken":
                raise ValueError("a secret of the orchard")

    async def validate(self, ctx: Context, values: Mapping[str, Any]) -> None:
        CALLS.append(f"validate {values['name']}")
        planted, felled = values.get("planted"), values.get("felled")
        if planted and felled and felled < planted:
            raise BackstayError(
                "validation_failed",
                details=[FieldProblem("felled", "order", "must not be before it was planted")],
            )

    async def after_create(self, ctx: Context, tree: Tree) -> None:
        CALLS.append(f"after_create {tree.name} {await self.counting.trees()}")
        await self.records.above_the_rules().create(Line, {"words": f"planted {tree.name}"})
        if tree.name == "growing":
            tree.height = 7
        if tree.name == "bearing":
            await self.records.create(Fruit, {"tree_id": tree.id, "words": "first"})
        if tree.name == "late":
            raise BackstayError("P0001", "too late", details="after it was written")

    async def before_update(self, ctx: Context, tree: Tree, values: dict[str, Any]) -> None:
        CALLS.append(f"before_update {tree.name} {sorted(values)}")
        if values.get("name") == "tall":
            raise TooTallError("no")
        if "height" in values and tree.height is not None:
            values["height"] += tree.height

    async def after_update(self, ctx: Context, tree: Tree, old: Mapping[str, Any]) -> None:
        CALLS.append(f"after_update {old['name']} -> {tree.name}")
        if tree.name == "late":
            raise BackstayError("P0001", "too late")
        if tree.name == "endless":
            await self.records.update(Tree, tree.id, {"height": 1})

    async def before_delete(self, ctx: Context, tree: Tree) -> None:
        CALLS.append(f"before_delete {tree.name}")
        if tree.name == "kept":
            raise BackstayError("forbidden", "It is kept.")

    async def after_delete(self, ctx: Context, tree: Tree) -> None:
        CALLS.append(f"after_delete {tree.name} {await self.counting.trees()}")
        if tree.name == "haunting":
            raise RuntimeError("a secret of the dead")

    @action(rule=caller.is_authenticated)
    async def fell(self, ctx: Context, tree_id: UUID, on: dt.date | None = None) -> Tree:
        """Fell a tree.

        It stays in the books."""
        return await self.records.update(Tree, tree_id, {"felled": on or dt.date(2026, 1, 1)})

    @action(method="GET", rule=True, rows=Tree)
    async def tallest(self, ctx: Context, least: int = 0) -> Select[Tree]:
        """The tallest first: of all trees, whoever asks."""
        return select(Tree).where(Tree.height >= least).order_by(Tree.height.desc())

    @action(method="GET", rule=True)
    async def basket(self, ctx: Context) -> list[Fruit]:
        """Fruits from the last word to the first: of all trees, whoever asks."""
        return list(await self.counting.session.scalars(select(Fruit).order_by(Fruit.words.desc())))

    @action(rule=True)
    async def named(self, ctx: Context, name: str) -> Tree | None:
        """A tree by its name: of all trees, whoever asks."""
        return await self.counting.session.scalar(select(Tree).where(Tree.name == name))

    @action(rule=caller.has_role("editor"))
    async def count(self, ctx: Context) -> int:
        """How many trees there are."""
        return await self.counting.trees()

    @action(requires="trees:prune", name="prune")
    async def prune_all(self, ctx: Context) -> None:
        """Nothing is left of them."""


class Point(BaseModel):
    """A place."""

    x: int
    y: float = 0


class Echo(BaseModel):
    """What came."""

    text: str
    number: int
    tags: list[str] | None
    cost: Decimal | None
    moment: dt.datetime | None
    point: Point | None


class Label(BaseModel):
    """What is called otherwise outside."""

    lines: int = Field(alias="lineCount")


class ToolService(Service, subject="tools"):
    """Actions about nothing in particular."""

    def __init__(self, records: Records, caller: Caller, session: AsyncSession) -> None:
        self.session = session
        self.records = records
        self.caller = caller

    @action(rule=True)
    async def echo(
        self, ctx: Context, text: str, number: int = 1, tags: list[str] | None = None,
        cost: Decimal | None = None, moment: dt.datetime | None = None, point: Point | None = None,
    ) -> Echo:  # fmt: skip
        assert self.caller is ctx.caller
        return Echo(text=text, number=number, tags=tags, cost=cost, moment=moment, point=point)

    @action(method="GET", rule=True)
    async def add(self, ctx: Context, numbers: list[int], scale: float = 1) -> float:
        """A sum."""
        return sum(numbers) * scale

    @action(method="PUT", rule=True)
    async def names(self, ctx: Context) -> list[str]:
        return ["a", "b"]

    @action(rule=True)
    async def label(self, ctx: Context, label: Label) -> Label:
        return Label(lineCount=label.lines + 1)

    @action(method="GET", rule=True)
    async def sneak(self, ctx: Context) -> None:
        """Reads, it says."""
        await self.records.above_the_rules().create(Line, {"words": "sneaked"})

    @action(method="GET", rule=True)
    async def sneak_by_session(self, ctx: Context) -> None:
        """Writes around everything."""
        self.session.add(Line(words="sneaked"))

    @action(method="GET", rule=True, rows=Line)
    async def history(self, ctx: Context) -> Select[Line]:
        """Rows of a table that is nobody's."""
        return select(Line).order_by(Line.id)

    @action(rule=True)
    async def note(
        self, ctx: Context, words: str, then: Literal["fail", "refuse", "wait", "go"] = "go"
    ) -> None:
        await self.records.above_the_rules().create(Line, {"words": words})
        if then == "fail":
            raise ValueError("a secret of the tools")
        if then == "refuse":
            raise TooTallError("No room for this.")
        if then == "wait":
            await asyncio.sleep(60)

    @action(rule=True)
    async def keep(self, ctx: Context, file: Upload, note: str = "") -> dict[str, Any]:
        return {"size": len(file.content), "name": file.filename, "type": file.media_type, "note": note}

    @action(rule=True)
    async def weigh(self, ctx: Context, data: bytes) -> int:
        return len(data)

    @action(rule=True)
    async def picture(self, ctx: Context, name: str, media_type: str = "image/png") -> File:
        return File(b"\x89PNG", media_type, name)

    @action(rule=True)
    async def lines(self, ctx: Context, count: int, fail_at: int = -1) -> Stream:
        await self.records.above_the_rules().create(Line, {"words": "before the stream"})

        async def parts() -> AsyncIterator[str]:
            try:
                for number in range(count):
                    if number == fail_at:
                        raise ValueError("a secret of the stream")
                    yield f"{number}\n"
                    await asyncio.sleep(0)
            finally:
                CALLS.append("stream ended")

        return Stream(parts())

    @action(rule=True)
    async def ticks(self, ctx: Context, words: str) -> Events:
        return Events([Event(words, event="tick\nid: 9", id="1"), {"n": 2}])

    async def plain(self, ctx: Context) -> str:
        return "no action"

    async def _hidden(self, ctx: Context) -> str:
        return "no action"


class FruitService(Service, model=Fruit):
    """One hook that costs nothing, to count statements by."""

    async def before_create(self, ctx: Context, values: dict[str, Any]) -> None:
        CALLS.append(f"before_create {values['words']}")


class SecondTreeService(Service, model=Tree):
    """Another service of the same model: its hooks run after those of the first."""

    async def before_create(self, ctx: Context, values: dict[str, Any]) -> None:
        CALLS.append(f"second before_create {values['slug']}")


MODELS: tuple[type[Model], ...] = (Tree, Fruit, Line, Sapling)
SERVICES: tuple[type[Service], ...] = (TreeService, FruitService, SecondTreeService, ToolService)
TABLES = ("trees", "fruits", "journal", "saplings")
