"""What the generated types let a program do with the unmodified client, and what they refuse.

Read by `mypy --strict`, never run. A line that is marked as an error must be one: a mark without use is an error too.
"""

from typing import assert_type
from uuid import UUID

from harbour import (
    PublicBusiestReturns,
    PublicPortKind,
    PublicPorts,
    PublicPortsInsert,
    PublicShipsInsert,
    PublicShipsUpdate,
    PublicSpecimensInsert,
    PublicVoyages,
    PublicVoyagesCancelArgs,
)
from pydantic import TypeAdapter
from supabase import Client


class VoyageFromPort(PublicVoyages):
    ports: PublicPorts


def read(client: Client) -> None:
    port = PublicPorts.model_validate(client.table("ports").select("*").single().execute().data)
    assert_type(port.depth, float | None)
    assert_type(port.kind, PublicPortKind | None)
    assert_type(port.earnings, int | None)
    print(port.nmae)  # type: ignore[attr-defined]
    rows = client.table("voyages").select("*, ports!start_code(*)").execute().data
    for voyage in TypeAdapter(list[VoyageFromPort]).validate_python(rows):
        assert_type(voyage.id, UUID)
        assert_type(voyage.ports.name, str)
    answer: PublicBusiestReturns = TypeAdapter(PublicBusiestReturns).validate_python(
        client.rpc("busiest").execute().data
    )
    assert_type(answer[0]["visits"], int)


def write(client: Client, key: UUID) -> None:
    ship: PublicShipsInsert = {"name": "Ark", "flag": None}
    client.table("ships").insert([ship, {"name": "Argo"}]).execute()
    change: PublicShipsUpdate = {"tons": 4}
    client.table("ships").update(change).eq("name", "Ark").execute()
    port: PublicPortsInsert = {"code": "REY", "name": "Reykjavik", "kind": "large", "facts": {"a": [1, None]}}
    client.table("ports").upsert(port).execute()
    specimen: PublicSpecimensInsert = {"key": key, "blob": b"\0", "exact": "0.1", "words": ["a"]}
    client.table("specimens").insert(specimen).execute()
    cancel: PublicVoyagesCancelArgs = {"id": key}
    client.rpc("voyages.cancel", dict(cancel)).execute()


NO_SUCH_COLUMN: PublicShipsInsert = {"name": "Ark", "colour": "red"}  # type: ignore[typeddict-unknown-key]
ONE_IS_MISSING: PublicShipsInsert = {"tons": 4}  # type: ignore[typeddict-item]
ONE_IS_COMPUTED: PublicShipsUpdate = {"double_tons": 8}  # type: ignore[typeddict-unknown-key]
ANOTHER_TYPE: PublicShipsUpdate = {"tons": "four"}  # type: ignore[typeddict-item]
NULL_IS_NOT_TAKEN: PublicShipsUpdate = {"tons": None}  # type: ignore[typeddict-item]
NO_SUCH_CHOICE: PublicPortsInsert = {"code": "A", "name": "B", "kind": "tiny"}  # type: ignore[typeddict-item]
