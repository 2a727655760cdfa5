"""Prints docs/messages.md, docs/events.md, docs/read-models.md and the JSON Schemas from the code itself."""

import json
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from consumers.envelope import adapter
from consumers.personal_data import personal_paths
from domain.catalogue import BUSINESS_KEYS, COMMANDS, EVENTS, TIME_PASSED
from domain.message import InputModel
from infra.examples import example
from projections.read_models import TABLES
from projections.tables import markdown

DOCS: Final = Path(__file__).parent.parent / "docs"
PRINTED: Final = "Printed from the code by `make docs`; do not edit."

_MESSAGES: Final = f"""# What can be sent to Jumun

{PRINTED}

A message is a [CloudEvent](https://cloudevents.io) 1.0 in structured JSON: one fact or one wish about one
order, SKU or return. Facts are named in the past tense and are always recorded; wishes end in `-requested`,
name their `actor` and may be refused with the rule that forbids them. Unknown attributes, unknown fields and
duplicate keys are errors, so that a misspelt field is never silently lost. At most 500 lines and 256 KB.

| attribute | meaning |
|---|---|
| specversion | `"1.0"` |
| id, source | Together with the seller they name the message for ever: sent twice, done once |
| type | One of the names below |
| time | When it happened, RFC 3339 with offset; a claim of the source, it fires no deadline |
| sellerid | Whose order, stock or return it is about |
| actor | Who asks; required for wishes |
| reportedat | When the source wrote it down, if that was later |
| inferred | `true`: the source has no such fact or time, a converter worked it out |
| part, of | One outside fact told as `of` messages about so many orders counts once |
| traceparent | Carried by every event that it causes; sent again with another one is no conflict |
| subject, datacontenttype | As CloudEvents says |

Texts marked *personal* go to the vault at the door; a token stands for them from there on.
"""


def _fields(model: type) -> list[str]:
    schema = TypeAdapter(model).json_schema()
    required = set(schema.get("required", []))
    paths = personal_paths(model) if issubclass(model, InputModel) else ()
    personal = {path[0] for path in paths if len(path) == 1}
    rows = ["| field | type | |", "|---|---|---|"]
    for name, field in schema.get("properties", {}).items():
        said = ["required" if name in required else "", "*personal*" if name in personal else ""]
        rows.append(f"| {name} | {_kind(field)} | {', '.join(part for part in said if part)} |")
    return rows if len(rows) > 2 else ["No fields."]  # noqa: PLR2004  the header's two


def _kind(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_kind(part) for part in field["anyOf"])
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field.get("type") == "array":
        return f"list of {_kind(field.get('items', {}))}"
    if field.get("type") == "null":
        return "none"
    bounds = [f"{sign} {field[key]}" for key, sign in _BOUNDS.items() if key in field]
    kind = field.get("format", field.get("type", "object"))
    return " ".join([str(kind), *bounds])


_BOUNDS: Final = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "maxLength": "at most"}


def _about(model: type) -> str:
    return cleandoc(model.__doc__ or "")


def messages() -> str:
    """docs/messages.md."""
    parts = [_MESSAGES]
    for kind, command in COMMANDS.items():
        key = BUSINESS_KEYS.get(kind)
        rule = f"\nThe message's id must be its `{key}`.\n" if key else ""
        parts.append(f"## {kind}\n\n{_about(command)}\n{rule}\n" + "\n".join(_fields(command)))
        parts.append(f"```json\n{json.dumps(example(kind), ensure_ascii=False, indent=1)}\n```\n")
    parts.append(
        f"## {TIME_PASSED}\n\nTime passed: every deadline up to `to` falls due, of one seller or of all.\n"
    )
    parts.append(f"```json\n{json.dumps(example(TIME_PASSED), indent=1)}\n```\n")
    return "\n".join(parts)


def events() -> str:
    """docs/events.md."""
    parts = [
        f"# What Jumun records and emits\n\n{PRINTED}\n\nReaders ignore unknown fields and attributes: "
        "a new optional field keeps the name. `subject` is the stream, `sequence` is gapless per seller; "
        "`correlationid` names source and id of the message that began it, `causationid` the event that it "
        "follows from, `traceparent` is that message's.\n"
    ]
    for name, kind in EVENTS.items():
        about = _about(kind) if kind.__doc__ else ""
        parts.append(f"## {name}\n\n{about}\n\n" + "\n".join(_fields(kind)) + "\n")
    return "\n".join(parts)


def schemas() -> dict[str, str]:
    """JSON Schema of each inbound message, whole with its attributes, by file name."""
    return {
        f"{kind}.json": json.dumps(adapter(kind).json_schema(), ensure_ascii=False, indent=1, sort_keys=True)
        for kind in (*COMMANDS, TIME_PASSED)
    }


def main() -> None:
    (DOCS / "schemas").mkdir(parents=True, exist_ok=True)
    (DOCS / "messages.md").write_text(messages(), "utf-8")
    (DOCS / "events.md").write_text(events(), "utf-8")
    (DOCS / "read-models.md").write_text(markdown(TABLES), "utf-8")
    for name, text in schemas().items():
        (DOCS / "schemas" / name).write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
