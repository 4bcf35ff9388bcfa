"""What the files that `backstay eject` writes are built with, by the name under which they import it.

A name leaves this list as a name of `backstay` would: said in the changelog.
"""

from __future__ import annotations

from backstay.controllers.http import Header
from backstay.controllers.resources.answers import REVALIDATED, VARY, checked_profile, shaped
from backstay.controllers.resources.applied import (
    INSERT_PREFERENCES,
    READ_PREFERENCES,
    ROW_READ_PREFERENCES,
    ROW_WRITE_PREFERENCES,
    WRITE_PREFERENCES,
    applied,
)
from backstay.controllers.resources.bodies import read_rows
from backstay.controllers.resources.etags import etag_of, matches
from backstay.controllers.resources.listing import conditional, page_headers, place, place_of, ranged
from backstay.controllers.resources.media import negotiate
from backstay.controllers.resources.operation import Answer, Operation
from backstay.controllers.resources.row_address import RowAddress
from backstay.controllers.resources.written import (
    makes_only,
    precondition_of,
    row_answer,
    row_location,
    shown_row,
    written_answer,
    written_headers,
    written_place,
)
from backstay.models.access.caller import Caller
from backstay.models.catalog import Resource
from backstay.models.resources.plan import ReadPlan, WritePlan
from backstay.models.resources.request import Conflict, Request, Rows, Write, WriteKind
from backstay.repositories.database.sessions import Session
from backstay.repositories.resources.dml import keys_document
from backstay.repositories.resources.fetch import Page, place_of_last
from backstay.repositories.resources.insert_at_once import REFUSED, Row
from backstay.repositories.resources.keyed import Key
from backstay.repositories.resources.objects import readable_object
from backstay.repositories.resources.write import Precondition, Written
from backstay.services.hooks import TableHooks
from backstay.services.resources.cursors import after
from backstay.services.resources.hidden_names import said_to
from backstay.services.resources.literals import read_values
from backstay.services.resources.new_rows import NewRows
from backstay.services.resources.outcomes import checked, nothing_written
from backstay.services.resources.sent_rows import (
    changes_of,
    columns_of,
    refuse_many,
    refuse_repeated,
    refuse_several,
)
from backstay.services.unit_of_work import once_more, require_writing
from backstay.utils.stages import mark

__all__ = [
    "INSERT_PREFERENCES",
    "READ_PREFERENCES",
    "REFUSED",
    "REVALIDATED",
    "ROW_READ_PREFERENCES",
    "ROW_WRITE_PREFERENCES",
    "VARY",
    "WRITE_PREFERENCES",
    "Answer",
    "Caller",
    "Conflict",
    "Header",
    "Key",
    "NewRows",
    "Operation",
    "Page",
    "Precondition",
    "ReadPlan",
    "Request",
    "Resource",
    "Row",
    "RowAddress",
    "Rows",
    "Session",
    "TableHooks",
    "Write",
    "WriteKind",
    "WritePlan",
    "Written",
    "after",
    "applied",
    "changes_of",
    "checked",
    "checked_profile",
    "columns_of",
    "conditional",
    "etag_of",
    "keys_document",
    "makes_only",
    "mark",
    "matches",
    "negotiate",
    "nothing_written",
    "once_more",
    "page_headers",
    "place",
    "place_of",
    "place_of_last",
    "precondition_of",
    "ranged",
    "read_rows",
    "read_values",
    "readable_object",
    "refuse_many",
    "refuse_repeated",
    "refuse_several",
    "require_writing",
    "row_answer",
    "row_location",
    "said_to",
    "shaped",
    "shown_row",
    "written_answer",
    "written_headers",
    "written_place",
]
