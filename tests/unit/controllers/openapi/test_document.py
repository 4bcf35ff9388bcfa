"""The OpenAPI document: valid, true to the rules, and with examples that fit their own schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from fastapi import FastAPI
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV31SpecValidator
from pydantic import BaseModel

from backstay.controllers.openapi.document import build_document
from backstay.controllers.openapi.swagger2 import build_swagger2
from backstay.models.catalog import Catalog
from tests.unit.controllers.openapi import sample


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return sample.catalog()


def build(catalog: Catalog, users: dict[str, Any] | None = None) -> dict[str, Any]:
    document = build_document(
        catalog,
        title="Atlas",
        version="1.2.3",
        server_url="http://127.0.0.1:8000",
        users_document=users,
        max_rows=1000,
    )
    plain: dict[str, Any] = json.loads(json.dumps(document))
    return plain


@pytest.fixture(scope="module")
def document(catalog: Catalog) -> dict[str, Any]:
    return build(catalog)


@pytest.fixture(scope="module")
def swagger(catalog: Catalog) -> dict[str, Any]:
    document = build_swagger2(catalog, title="Atlas", version="1.2.3", server_url="http://127.0.0.1:8000")
    plain: dict[str, Any] = json.loads(json.dumps(document))
    return plain


class Problem(BaseModel):
    how_many: int


def users_application() -> FastAPI:
    application = FastAPI()

    @application.get("/reports/busiest", tags=["reports"])
    async def busiest(year: int) -> list[Problem]:
        return []

    @application.post("/reports")
    async def create(body: Problem) -> Problem:
        return body

    return application


def test_it_is_a_valid_openapi_3_1_document(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_it_is_valid_with_the_users_routers_in_it(catalog: Catalog) -> None:
    document = build(catalog, users_application().openapi())
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_the_swagger_document_is_valid(swagger: dict[str, Any]) -> None:
    assert swagger["swagger"] == "2.0"
    assert list(OpenAPIV2SpecValidator(swagger).iter_errors()) == []


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for operation in operations(document)]
    assert len(ids) == len(set(ids))


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    checked = 0
    for schema, value in examples(document):
        whole = {**schema, "components": document["components"]}
        jsonschema_rs.Draft202012Validator(whole).validate(value)
        checked += 1
    assert checked > 150


def test_a_column_hidden_from_everybody_is_nowhere(document: dict[str, Any], swagger: dict[str, Any]) -> None:
    assert "secret_note" not in json.dumps(document)
    assert "secret_note" not in json.dumps(swagger)


@pytest.mark.parametrize("table", ["unruled", "denied"])
def test_a_table_that_nobody_may_use_is_nowhere(
    table: str, document: dict[str, Any], swagger: dict[str, Any]
) -> None:
    assert table not in json.dumps(document)
    assert table not in json.dumps(swagger)


def test_a_verb_that_is_plainly_denied_has_no_operation(document: dict[str, Any]) -> None:
    assert set(document["paths"]["/rest/v1/countries"]) == {"get", "head"}
    assert set(document["paths"]["/rest/v1/countries/{id}"]) == {"get", "head"}
    assert set(document["paths"]["/rest/v1/reviews"]) == {"get", "head", "post", "patch"}
    assert set(document["paths"]["/rest/v1/airports/{id}"]) == {"get", "head", "patch", "put", "delete"}


def test_a_column_with_a_rule_is_nullable_and_not_promised_as_a_filter(document: dict[str, Any]) -> None:
    cost = document["components"]["schemas"]["trips.Row"]["properties"]["cost"]
    assert cost["type"] == ["number", "null"]
    parameters = document["components"]["parameters"]
    assert "trips.filter.cost" not in parameters
    assert "cost" not in parameters["trips.select"]["schema"]["pattern"]


def test_a_generated_column_is_read_only_and_in_no_body(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["everything.Row"]["properties"]["doubled"]["readOnly"] is True
    for body in ("Insert", "Update", "Replace"):
        assert "doubled" not in schemas[f"everything.{body}"]["properties"]


def test_check_constraints_are_limits_of_the_bodies(document: dict[str, Any]) -> None:
    rating = document["components"]["schemas"]["reviews.Insert"]["properties"]["rating"]
    assert (rating["minimum"], rating["maximum"]) == (1, 5)
    state = document["components"]["schemas"]["reviews.Insert"]["properties"]["state"]
    assert state["enum"] == ["draft", "published"]
    latitude = document["components"]["schemas"]["airports.Insert"]["properties"]["lat"]
    assert (latitude["minimum"], latitude["maximum"]) == (-90, 90)


def test_only_what_must_be_given_is_required(document: dict[str, Any]) -> None:
    assert document["components"]["schemas"]["trips.Insert"]["required"] == ["airport_code"]
    assert "required" not in document["components"]["schemas"]["trips.Update"]


def test_a_public_table_is_read_without_credentials_and_written_with_them(document: dict[str, Any]) -> None:
    airports = document["paths"]["/rest/v1/airports"]
    assert {} in airports["get"]["security"]
    assert {} not in airports["post"]["security"]


def test_a_column_named_like_a_word_of_the_grammar_is_no_filter(document: dict[str, Any]) -> None:
    assert "everything.filter.select" not in document["components"]["parameters"]


def test_every_error_is_a_problem(document: dict[str, Any]) -> None:
    for operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert response["$ref"].startswith(f"#/components/responses/Problem{status}")


def test_users_components_give_way_on_a_clash_and_their_422_is_ours(catalog: Catalog) -> None:
    document = build(catalog, users_application().openapi())
    schemas = document["components"]["schemas"]
    assert "how_many" in schemas["AppProblem"]["properties"]
    assert "code" in schemas["Problem"]["properties"]
    assert "HTTPValidationError" not in schemas
    assert "ValidationError" not in schemas
    busiest = document["paths"]["/reports/busiest"]["get"]["responses"]
    assert busiest["422"] == {"$ref": "#/components/responses/Problem422"}
    items = busiest["200"]["content"]["application/json"]["schema"]["items"]
    assert items == {"$ref": "#/components/schemas/AppProblem"}


def test_swagger_has_the_notes_that_admin_tools_match(swagger: dict[str, Any]) -> None:
    trips = swagger["definitions"]["trips"]["properties"]
    assert trips["id"] == {
        "format": "uuid",
        "type": "string",
        "description": "Note:\nThis is a Primary Key.<pk/>",
    }
    assert trips["airport_code"]["format"] == "character varying"
    assert trips["airport_code"]["description"] == (
        "Note:\nThis is a Foreign Key to `airports.icao`.<fk table='airports' column='icao'/>"
    )
    assert (
        swagger["definitions"]["everything"]["properties"]["moment"]["format"] == "timestamp with time zone"
    )


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        yield from item.values()


def examples(value: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """Every example in the document with the schema that it should fit."""
    if isinstance(value, list):
        for part in value:
            yield from examples(part)
    if isinstance(value, dict):
        if "example" in value and isinstance(value.get("schema"), dict):
            yield value["schema"], value["example"]
        if isinstance(value.get("examples"), list):
            for example in value["examples"]:
                yield value, example
        for part in value.values():
            yield from examples(part)
