"""`Service`, the base of users' business logic."""

from __future__ import annotations

from typing import Any, ClassVar


class Service:
    """Business verbs about one subject. Methods take the context first.

    A service is made for one transaction: its constructor names the repositories and other services it needs by type,
    and is given them, all on one session.

    `class TripService(Service, model=Trip)` also hooks into every write of that model, whichever door it comes
    through. Hooks are async methods of these names; they run inside the transaction of the write, and whatever one of
    them raises undoes all of it:

    - `before_create(self, ctx, values)`, `before_update(self, ctx, row, values)`: `values` is what will be set, by
      column, and may be changed;
    - `validate(self, ctx, values)`: the whole row as it will be, by column, new or changed; it can only refuse;
    - `before_delete(self, ctx, row)`;
    - `after_create(self, ctx, row)`, `after_update(self, ctx, row)` or `(self, ctx, row, old)`,
      `after_delete(self, ctx, row)`: `row` is an object of the model, `old` the values before, by column.

    Methods with `@action` are called by clients, as `{subject}.{method}`; the subject is that of `class
    ReportService(Service, subject="reports")`, or the model's table, or the name of the class.
    """

    model: ClassVar[type[Any] | None] = None
    subject: ClassVar[str | None] = None

    def __init_subclass__(
        cls, model: type[Any] | None = None, subject: str | None = None, **options: Any
    ) -> None:
        super().__init_subclass__(**options)
        if model is not None:
            cls.model = model
        if subject is not None:
            cls.subject = subject
