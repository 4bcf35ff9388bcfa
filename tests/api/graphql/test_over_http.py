"""GraphQL over HTTP: methods, media types, statuses; the published audits; persisted and trusted documents; the page."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from backstay.app import Backstay
from backstay.config.environment import Environment
from backstay.config.graphql import GraphQLSettings
from tests.api.answers import problem
from tests.api.graphql.asking import ADDRESS, MEDIA, post
from tests.api.harbour import Harbour, settings_for
from tests.api.models import MODELS
from tests.api.served import served
from tests.callers import CallerClient
from tests.node import node_in

AUDITS = Path(__file__).parent / "audits"
MUTATION = 'mutation { insertIntolettersCollection(objects: [{words: "x"}]) { affectedCount } }'


def test_all_audits_of_graphql_http_are_ok(tmp_path: Path) -> None:
    with served(f"sqlite:///{tmp_path}/app.db", tmp_path / "log") as address:
        finished = subprocess.run(
            [node_in(AUDITS), "audit.mjs"],
            cwd=AUDITS,
            env={"PATH": os.environ["PATH"], "URL": f"{address}{ADDRESS}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    report = json.loads(finished.stdout)
    assert len(report) == 61
    assert [audit for audit in report if audit["status"] != "ok"] == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_other_methods_are_405(anonymous: CallerClient, method: str) -> None:
    response = anonymous.request(method, ADDRESS, content=b"{}" if method != "HEAD" else None)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"


def test_a_get_reads_and_never_writes(app: Harbour, anonymous: CallerClient) -> None:
    read = "query One($code: String!) { portsByPk(code: $code) { name } }"
    address = (
        f"{ADDRESS}?query={quote(read)}&variables={quote(json.dumps({'code': 'DEHAM'}))}&operationName=One"
    )
    assert anonymous.get(address).json() == {"data": {"portsByPk": {"name": "Hamburg"}}}
    with app.counting() as statements:
        refused = anonymous.get(f"{ADDRESS}?query={quote(MUTATION)}")
        both = anonymous.get(
            f"{ADDRESS}?query={quote(MUTATION.replace('mutation', 'mutation M') + ' query Q { __typename }')}&operationName=M"
        )
    assert statements == []
    for response in (refused, both):
        assert response.status_code == 405
        assert response.headers["allow"] == "POST"
        assert response.json()["errors"][0]["extensions"] == {"code": "method_not_allowed", "kind": "method"}


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("application/json; charset=latin-1", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/graphql", 415),
    ],
)
def test_a_body_that_needs_no_permission_to_be_sent_is_refused(
    anonymous: CallerClient, content_type: str, status: int
) -> None:
    body = b'{"query": "{ __typename }"}'
    response = anonymous.post(ADDRESS, content=body, headers={"Content-Type": content_type})
    assert response.status_code == status
    if status == 415:
        assert problem(response, 415, "unsupported_media_type")["errors"][0]["message"]


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (MEDIA, MEDIA),
        (f"{MEDIA}, application/json;q=0.9", MEDIA),
        (f"application/json, {MEDIA};q=0.5", "application/json"),
        ("*/*", "application/json"),
        ("application/*;q=0.2", "application/json"),
        ("text/html", None),
        (f"{MEDIA};q=0", None),
    ],
)
def test_the_media_type_is_negotiated(anonymous: CallerClient, accept: str, media: str | None) -> None:
    response = post(anonymous, "{ __typename }", accept=accept)
    if media is None:
        assert response.status_code == 406
    else:
        assert response.headers["content-type"] == f"{media}; charset=utf-8"
        assert "Accept" in response.headers["vary"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "PGRST102"),
        (b'"query"', "bad_request"),
        (b"[]", "graphql_batch"),
        (b"{}", "bad_request"),
        (b'{"query": 1}', "bad_request"),
        (b'{"query": "{ __typename }", "variables": []}', "bad_request"),
        (b'{"query": "{ __typename }", "operationName": 1}', "bad_request"),
        (b'{"query": "{ __typename }", "extensions": "x"}', "bad_request"),
        (b'{"query": "query A { __typename } query B { __typename }"}', "bad_request"),
        (b'{"query": "{ __typename }", "operationName": "Nope"}', "bad_request"),
        (b'{"query": "{ __typename }", "query": "{ __typename }"}', "unprocessable"),
        (b'{"query": "{ __typename \\ud800 }"}', "PGRST102"),
    ],
)
@pytest.mark.parametrize("accept", [MEDIA, "application/json"])
def test_requests_that_are_not_well_formed(
    anonymous: CallerClient, body: bytes, code: str, accept: str
) -> None:
    response = anonymous.post(ADDRESS, content=body, headers={"Accept": accept})
    assert response.status_code == 400, response.text
    assert response.json()["errors"][0]["extensions"]["code"] == code
    assert "data" not in response.json()


def test_faults_are_masked_and_named(
    app: Harbour, anonymous: CallerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("secret internals")

    monkeypatch.setattr(app.app.together.joint, "read", broken)
    response = post(anonymous, '{ portsByPk(code: "X") { name } }')
    document = problem(response, 500, "internal_error")
    assert document["errors"][0]["extensions"] == {"code": "internal_error", "kind": "internal"}
    assert "secret" not in response.text


def test_documents_are_registered_by_their_hash(anonymous: CallerClient) -> None:
    query = '{ portsByPk(code: "DEHAM") { registered: name } }'
    named = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(query.encode()).hexdigest()}}
    unknown = post(anonymous, None, extensions=named)
    assert (unknown.status_code, unknown.json()["errors"][0]["message"]) == (200, "PersistedQueryNotFound")
    assert post(anonymous, query, extensions=named).json()["data"]["portsByPk"] == {"registered": "Hamburg"}
    assert post(anonymous, None, extensions=named).json()["data"]["portsByPk"] == {"registered": "Hamburg"}
    wrong = post(anonymous, "{ __typename }", extensions=named)
    assert wrong.json()["errors"][0]["extensions"]["code"] == "persisted_query_mismatch"


async def test_in_production_only_what_is_enabled(tmp_path: Path) -> None:
    folder = tmp_path / "backend" / "graphql"
    folder.mkdir(parents=True)
    trusted = "query Trusted { __typename }\n"
    (folder / "trusted.graphql").write_text(trusted)
    settings = settings_for(f"sqlite:///{tmp_path}/app.db")
    closed = settings.model_copy(
        update={"environment": Environment.PRODUCTION, "graphql": GraphQLSettings(trusted_only=True)}
    )
    open_ = settings.model_copy(update={"environment": Environment.PRODUCTION})
    off = settings.model_copy(update={"graphql": GraphQLSettings(enabled=False)})

    async def asked(chosen: object, query: str | None, **more: object) -> httpx.Response:
        app = Backstay(settings=chosen, models=MODELS, project=tmp_path)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            if query is None:
                return await client.get(ADDRESS, headers={"Accept": "text/html"})
            return await client.post(ADDRESS, json={"query": query, **more}, headers={"Accept": MEDIA})

    assert (await asked(closed, trusted)).json() == {"data": {"__typename": "Query"}}
    refused = await asked(closed, "{ __typename }")
    assert refused.json()["errors"][0]["extensions"]["code"] == "document_not_trusted"
    hidden = await asked(open_, "{ __schema { queryType { name } } }")
    assert hidden.json()["errors"][0]["extensions"]["code"] == "graphql_validation_failed"
    guess = await asked(open_, "{ portCollection { totalCount } }")
    assert "Did you mean" not in guess.text
    assert (await asked(open_, None)).status_code == 406
    page = await asked(settings, None)
    assert page.headers["content-type"].startswith("text/html")
    assert "'self'" in page.headers["content-security-policy"]
    assert "http" not in page.text
    assert "Did you mean" in (await asked(settings, "{ portCollection { totalCount } }")).text
    assert (await asked(off, "{ __typename }")).status_code == 404


def test_the_page_brings_its_own_files(anonymous: CallerClient) -> None:
    page = anonymous.get(ADDRESS, headers={"Accept": "text/html"}).text
    for name in ("page.js", "page.css"):
        assert f"{ADDRESS}/{name}" in page
        assert anonymous.get(f"{ADDRESS}/{name}").status_code == 200
