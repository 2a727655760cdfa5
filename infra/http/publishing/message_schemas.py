"""The schemas of inbound messages for OpenAPI: one per type, from the models that parse them."""

from typing import Any, Final

from consumers.envelope import MAX_BYTES, adapter
from domain.catalogue import COMMANDS, TIME_PASSED
from infra.examples import example
from infra.http.problems import ProblemDetails
from infra.http.publishing.request_body import BATCH, BINARY, MOST_MESSAGES, STRUCTURED

TYPES: Final = (*COMMANDS, TIME_PASSED)
_REF: Final = "#/components/schemas/"
_ONE: Final = {"$ref": f"{_REF}Message"}
_EXAMPLE: Final = example("jumun.inbound.stock-received.v1")
MESSAGES: Final[dict[str, Any]] = {
    "required": True,
    "description": (
        f"One CloudEvent of at most {MAX_BYTES // 1024} KB, or a batch of at most {MOST_MESSAGES}. In binary "
        "mode the body is `data`, and the attributes are headers: `ce-id`, `ce-source` and so on."
    ),
    "content": {
        STRUCTURED: {"schema": _ONE, "example": _EXAMPLE},
        BATCH: {
            "schema": {"type": "array", "items": _ONE, "minItems": 1, "maxItems": MOST_MESSAGES},
            "example": [_EXAMPLE],
        },
        BINARY: {"schema": {"type": "object"}, "example": _EXAMPLE["data"]},
    },
}


def components() -> dict[str, Any]:
    """The schemas of all message types and of their parts."""
    schemas: dict[str, Any] = {}
    for kind in TYPES:
        schema = adapter(kind).json_schema(ref_template=_REF + "{model}")
        schemas |= schema.pop("$defs", {})
        schema["properties"]["type"] = {"const": kind}
        schema["title"] = kind
        schemas[kind] = schema
    problem = ProblemDetails.model_json_schema(ref_template=_REF + "{model}")
    schemas |= problem.pop("$defs")
    refs = {kind: _REF + kind for kind in TYPES}
    whole = {
        "oneOf": [{"$ref": ref} for ref in refs.values()],
        "discriminator": {"propertyName": "type", "mapping": refs},
    }
    return {**schemas, "Message": whole, "ProblemDetails": problem}
