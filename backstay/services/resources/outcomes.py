"""What came of a read or a write, held against what was asked."""

from __future__ import annotations

from backstay.errors import BackstayError
from backstay.models.resources.request import Request, Shape, Write
from backstay.repositories.resources.fetch import Page
from backstay.repositories.resources.write import Written


def checked(request: Request, page: Page) -> Page:
    """The page, if it has as many rows as were asked for.

    Raises:
        BackstayError: `PGRST116` when one object was wanted and another number of rows found.
    """
    if request.shape is Shape.OBJECT and page.count != 1:
        raise BackstayError("PGRST116", details=f"The result contains {page.count} rows")
    return page


def nothing_written(write: Write) -> Written:
    """The outcome of a write of no rows."""
    return Written(count=0, inserted=0, body=b"[]" if write.representation else None, keys=())
