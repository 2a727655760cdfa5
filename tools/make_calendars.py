"""Writes the Korean business calendar from the `holidays` library and a reviewed list of additions.

A published file is never changed, because decisions name its version: give `VERSION` a new value first.
"""

import json
from datetime import date
from importlib.metadata import version
from pathlib import Path

import holidays

ID = "kr-public"
VERSION = "2026a"
YEARS = range(2009, 2031)
FOLDER = Path(__file__).parents[1] / "domain" / "policies" / "calendars"

# Holidays decreed after the release of the library, each with its source in the name, for example
# date(2024, 10, 1): "Temporary holiday (Cabinet decision of 2024-09-03)".  The 0.109 release needs none:
# it agrees with the official lists of 2024 to 2027, and the tests compare the file with them.
EXTRA: dict[date, str] = {}


def document() -> dict[str, object]:
    days = dict(holidays.country_holidays("KR", years=YEARS, observed=True)) | EXTRA
    return {
        "id": ID,
        "version": VERSION,
        "zone": "Asia/Seoul",
        "source": f"holidays {version('holidays')}, KR, public; {len(EXTRA)} additions",
        "holidays": {day.isoformat(): days[day] for day in sorted(days)},
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(document(), ensure_ascii=False, indent=1) + "\n"
    (FOLDER / f"{ID}-{VERSION}.json").write_text(text, encoding="utf-8")
