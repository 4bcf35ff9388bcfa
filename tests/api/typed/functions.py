"""Functions as the catalog of actions would give them, with schemas as Pydantic makes them."""

from backstay.models.resources.typed import Argument, Function

FUNCTIONS = (
    Function("ships.count", (Argument("above", {"type": "integer"}, required=False),), {"type": "integer"}),
    Function(
        "voyages.cancel",
        (Argument("id", {"type": "string", "format": "uuid"}),),
        {"$ref": "#/components/schemas/voyages.Row"},
        description="Calls a voyage off.",
    ),
    Function("touch"),
    Function(
        "busiest",
        returns={"type": "array", "items": {"$ref": "#/$defs/Busiest"}},
        definitions={
            "Busiest": {
                "type": "object",
                "properties": {
                    "port": {"type": "string"},
                    "visits": {"type": "integer"},
                    "share": {"anyOf": [{"type": "number"}, {"type": "null"}]},
                    "next": {"anyOf": [{"$ref": "#/$defs/Busiest"}, {"type": "null"}]},
                },
                "required": ["port", "visits"],
            }
        },
    ),
)
