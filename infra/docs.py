"""Generates the messages, events, rules and read models of docs/, and the JSON Schemas, from the code."""

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
from infra.rules import markdown as rules_tables
from projections.read_models import TABLES
from projections.tables import markdown

DOCS: Final = Path(__file__).parent.parent / "docs"
PRINTED: Final = "Generated from the code by `make docs`; do not edit."

_MESSAGES: Final = f"""# What can be sent to Jumun

{PRINTED}

A message is a [CloudEvent](https://cloudevents.io) 1.0 in structured JSON: one fact or one wish about one
order, SKU or return. A fact is named in the past tense and is always recorded. A wish is named
`...-requested` and names its `actor`; Jumun may refuse it, and then names the rule. Unknown attributes,
unknown fields and duplicate keys are errors, so that a misspelt field is never silently lost. At most 500
lines and 256 KB.

| attribute | meaning |
|---|---|
| specversion | `"1.0"` |
| id, source | With the seller they identify the message for ever: a message sent twice takes effect once |
| type | One of the names below |
| time | When it happened, RFC 3339 with offset. The source claims this time; it makes no deadline fall due |
| sellerid | The seller whose order, stock or return the message is about |
| actor | Who asks; required for wishes |
| reportedat | When the source recorded the fact, if that was later |
| inferred | `true`: the source has no such fact or time; a converter inferred it |
| part, of | A fact sent as `of` messages, one per order, counts once; this is number `part` |
| traceparent | Every event that the message causes carries it; a repeat may have another one |
| subject, datacontenttype | As in the CloudEvents specification |

Jumun moves texts marked *personal* to the vault when it reads the message; the ledger holds only a token.
"""


def _fields(model: type) -> list[str]:
    schema = TypeAdapter(model).json_schema()
    required = set(schema.get("required", []))
    paths = personal_paths(model) if issubclass(model, InputModel) else ()
    personal = {path[0] for path in paths if len(path) == 1}
    rows = ["| field | type | |", "|---|---|---|"]
    for name, field in schema.get("properties", {}).items():
        remarks = ["required" if name in required else "", "*personal*" if name in personal else ""]
        rows.append(f"| {name} | {_kind(field)} | {', '.join(part for part in remarks if part)} |")
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
    """The text of docs/messages.md."""
    parts = [_MESSAGES]
    for kind, command in COMMANDS.items():
        key = BUSINESS_KEYS.get(kind)
        rule = f"\nIt counts once by its `{key}`, whatever its source and id are.\n" if key else ""
        parts.append(f"## {kind}\n\n{_about(command)}\n{rule}\n" + "\n".join(_fields(command)))
        parts.append(f"```json\n{json.dumps(example(kind), ensure_ascii=False, indent=1)}\n```\n")
    parts.append(
        f"## {TIME_PASSED}\n\nA tick: every deadline up to `to` falls due, for one seller or for all.\n"
    )
    parts.append(f"```json\n{json.dumps(example(TIME_PASSED), indent=1)}\n```\n")
    return "\n".join(parts)


def events() -> str:
    """The text of docs/events.md."""
    parts = [
        f"# What Jumun records and emits\n\n{PRINTED}\n\nReaders must ignore unknown fields and attributes: "
        "an event type keeps its name when it gets a new optional field. `subject` is the stream; `sequence` "
        "has no gaps per seller. `correlationid` is the source and id of the message that caused the event, "
        "`traceparent` is that message's, and `causationid` is the id of the event that caused this one.\n"
    ]
    for name, kind in EVENTS.items():
        about = _about(kind) if kind.__doc__ else ""
        parts.append(f"## {name}\n\n{about}\n\n" + "\n".join(_fields(kind)) + "\n")
    return "\n".join(parts)


def rules() -> str:
    """The text of docs/rules.md."""
    return (
        f"# Why a message is refused, and what contradicts\n\n{PRINTED}\n\n"
        "`jumun explain RULE` prints one of these. Messages are named without `jumun.inbound.` and `.v1`.\n\n"
        f"{rules_tables()}"
    )


def schemas() -> dict[str, str]:
    """By file name: the JSON Schema of each inbound message, with its CloudEvents attributes."""
    return {
        f"{kind}.json": json.dumps(adapter(kind).json_schema(), ensure_ascii=False, indent=1, sort_keys=True)
        for kind in (*COMMANDS, TIME_PASSED)
    }


def main() -> None:
    (DOCS / "schemas").mkdir(parents=True, exist_ok=True)
    (DOCS / "messages.md").write_text(messages(), "utf-8")
    (DOCS / "events.md").write_text(events(), "utf-8")
    (DOCS / "rules.md").write_text(rules(), "utf-8")
    (DOCS / "read-models.md").write_text(markdown(TABLES), "utf-8")
    for name, text in schemas().items():
        (DOCS / "schemas" / name).write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
