"""Formats an answer as JSON, or as the same CSV that the command line prints."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from infra.csv_form import as_csv

CSV: Final = "text/csv"
JSON: Final = "application/json"
CSV_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {CSV: {"schema": {"type": "string"}}},
        "description": "JSON, or CSV if the Accept header asks for it",
    }
}


def page(
    request: Request, as_of: tuple[int, datetime], rows: Sequence[Mapping[str, Any]], after: str | None = None
) -> Response:
    """A page of rows, with the position and instant for which they hold, and the cursor of the next page."""
    position, at = as_of
    headers = {"Jumun-As-Of-Position": str(position), "Jumun-As-Of": at.isoformat(), "Vary": "Accept"}
    if after is not None:
        headers["Jumun-Next"] = after
    if wants_csv(request.headers.get("accept", "")):
        return Response(as_csv(rows), 200, headers, media_type=CSV)
    return answer({"as_of_position": position, "as_of": at, "rows": rows, "next": after}, headers=headers)


def answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content, default=str), status, headers, media_type=JSON)


def wants_csv(accept: str) -> bool:
    """Whether the Accept header prefers CSV to JSON: the higher `q` value, else the type named first."""
    weighed = sorted(map(_weighed, accept.lower().split(",")), key=lambda one: -one[1])
    return next((name == CSV for name, weight in weighed if weight and name in {CSV, JSON, "*/*"}), False)


def _weighed(one: str) -> tuple[str, float]:
    name, *params = (part.strip() for part in one.split(";"))
    weight = next((param[2:] for param in params if param.startswith("q=")), "1")
    return name, float(weight) if weight.replace(".", "", 1).isdecimal() else 0.0
