"""The served documents, and the API measured by its own document: schemathesis, every check, over a real port.

In the usual profile a few tables on SQLite; in the nightly one, every table on each engine and more cases.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV31SpecValidator

from tests.api.harbour import Harbour
from tests.api.models import MODELS
from tests.api.seed import EDITOR
from tests.api.served import served
from tests.callers import CallerClient

IS_NIGHTLY = os.environ.get("PROFILE") == "nightly"
# Every kind of column, row and column rules, a composite key. A table that is hidden from the anonymous answers them
# 404, as one that does not exist does; schemathesis wants 401 there, so letters stay out.
TABLES = ("nations", "ports", "berths", "voyages", "specimens")
ALL_TABLES = tuple(model.__tablename__ for model in MODELS if model.__tablename__ != "letters")
# The tables here are made without migrations, so the node is rightly not ready.
EXCLUDED = "/health/ready"
# Operations of which each is an address of its own; it has tests of its own.
BATCH = "/rest/v1/$batch"
# Text is hardly ever a GraphQL document; that door has audits of its own.
GRAPHQL = "/graphql/v1"
# Identity throttles whoever tries as much as this does; it has tests of its own.
# What takes a long question is the address of a row as well, with all methods that rows have.
EXCLUDED_BELOW = "^/auth/v1/|/query$"
SEED = "20260101"
# OpenAPI 3.1 has no word for QUERY, which tables take and name in `Allow`.
CONFIGURATION = """
hooks = "hooks.py"

[phases.coverage]
unexpected-methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"]
"""
# No schema can say which texts are rows, so that most of what one would make up is refused.
HOOKS = """
import schemathesis

@schemathesis.hook
def before_load_schema(context, document):
    for path, item in document["paths"].items():
        for operation in item.values():
            if path.startswith("/rest/v1/") and "text/csv" in operation.get("requestBody", {}).get("content", {}):
                del operation["requestBody"]["content"]["text/csv"]
                del operation["requestBody"]["content"]["application/x-www-form-urlencoded"]
"""


def test_the_served_documents_are_valid(app: Harbour, anonymous: CallerClient) -> None:
    document: dict[str, Any] = anonymous.get("/openapi.json").json()
    OpenAPIV31SpecValidator(document).validate()
    OpenAPIV2SpecValidator(anonymous.get("/rest/v1/").json()).validate()
    assert document["openapi"].startswith("3.1")
    assert {"/rest/v1/ports", "/rest/v1/ports/{id}"} <= set(document["paths"])
    for path, method in (("/rest/v1/ports", "post"), ("/rest/v1/ports/{id}", "put")):
        assert set(document["paths"][path][method]["requestBody"]["content"]) == {
            "application/json", "text/csv", "application/x-www-form-urlencoded",
        }  # fmt: skip


def test_the_swagger_root_is_found_by_admin_tools(anonymous: CallerClient) -> None:
    response = anonymous.get("/rest/v1/", headers={"Accept": "application/openapi+json"})
    assert response.status_code == 200
    swagger = response.json()
    assert swagger["swagger"] == "2.0"
    assert swagger["definitions"]["ports"]["properties"]["name"]["type"] == "string"
    assert "earnings" not in swagger["definitions"]["voyages"]["properties"]


def test_the_documentation_page_loads_nothing_from_elsewhere(anonymous: CallerClient) -> None:
    page = anonymous.get("/docs")
    assert page.status_code == 200
    for prefix in ('src="http', 'href="http', 'src="//', 'href="//', "@import"):
        assert prefix not in page.text


def test_both_engines_have_the_same_document(app: Harbour, anonymous: CallerClient) -> None:
    paths = set(anonymous.get("/openapi.json").json()["paths"])
    assert not any("vaults" in path or "unruled" in path for path in paths)
    assert len(paths) > 20


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_schemathesis_finds_no_failure(app: Harbour, tmp_path: Path) -> None:
    if app.engine == "postgresql" and not IS_NIGHTLY:
        pytest.skip("on PostgreSQL in the nightly profile")
    app.note_change()
    token = app.app.tokens.mint(EDITOR, roles=["editor"])
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    (tmp_path / "hooks.py").write_text(HOOKS)
    with served(app.url, tmp_path / "served.log", ALL_TABLES if IS_NIGHTLY else TABLES) as address:
        finished = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"), "run", f"{address}/openapi.json",
                "--header", f"Authorization: Bearer {token}", "--checks", "all", "--no-shrink", "--seed", SEED,
                "--max-examples", "20" if IS_NIGHTLY else "2", "--continue-on-failure", "--exclude-path", EXCLUDED,
                "--exclude-path", BATCH, "--exclude-path", GRAPHQL,
                "--exclude-path-regex", EXCLUDED_BELOW,
            ],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert finished.returncode == 0, finished.stdout[-20_000:] + finished.stderr[-2_000:]
    assert "Stateful" in finished.stdout
