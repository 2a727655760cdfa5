"""Converts folders to lines of messages.  Columns identify the files; errors name what is missing."""

import gzip
import json
from pathlib import Path

import pytest

from consumers.imports.messages import Message
from infra.convert import UnusableDataSet, convert

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
FIRST = "1,85048,LAMP,12,2009-12-01 07:45:00,6.95,13085,United Kingdom\n"
SECOND = "2,85048,LAMP,1,2009-12-02 07:45:00,6.95,13085,United Kingdom\n"


def a_file(folder: Path, name: str, text: str) -> None:
    (folder / name).write_bytes(gzip.compress(text.encode()))


def kinds_of(lines: list[bytes]) -> list[str]:
    messages: list[Message] = [json.loads(line) for line in lines]
    return [message["type"].split(".")[2] for message in messages]


def test_several_parts_are_read_as_one_set_in_the_order_of_time(tmp_path: Path) -> None:
    a_file(tmp_path, "a_later_part.csv.gz", HEADER + SECOND)
    a_file(tmp_path, "b.csv.gz", "\ufeff" + HEADER + FIRST + "\n")
    lines = list(convert("online-retail", tmp_path))
    assert all(line.endswith(b"}\n") for line in lines)
    assert kinds_of(lines) == [
        "seller-open-requested",
        "stock-received",
        "order-placed",
        "order-paid",
        "shipment-dispatched",
        "time-passed",
        "order-placed",
        "order-paid",
        "shipment-dispatched",
        "time-passed",
    ]
    assert list(convert("online-retail", tmp_path)) == lines


def test_progress_counts_messages(tmp_path: Path) -> None:
    a_file(tmp_path, "a.csv.gz", HEADER + FIRST)
    steps: list[int] = []
    assert sum(1 for _ in convert("online-retail", tmp_path, steps.append)) == sum(steps)


def test_the_error_for_an_unknown_set_lists_the_supported_sets(tmp_path: Path) -> None:
    with pytest.raises(UnusableDataSet, match="olist, online-retail, scms, ocel"):
        convert("amazon", tmp_path)


def test_the_error_for_a_folder_without_the_files_lists_expected_and_present_files(tmp_path: Path) -> None:
    with pytest.raises(UnusableDataSet, match=r"Found: none"):
        convert("olist", tmp_path / "nowhere")
    a_file(tmp_path, "a.csv.gz", HEADER + FIRST)
    with pytest.raises(
        UnusableDataSet, match=r"order_purchase_timestamp.*order_items.*Found: a.csv.gz \(InvoiceNo"
    ):
        convert("olist", tmp_path)


def test_a_file_that_is_no_gzip_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_text(HEADER)
    with pytest.raises(UnusableDataSet, match=r"a\.csv\.gz is not a gzip"):
        convert("scms", tmp_path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,85048,LAMP\n", "record 2 has 3 fields and not 8"),
        (FIRST.replace("12,", "a dozen,"), "'a dozen' is not a number"),
        (FIRST.replace(",12,", ",1.5,"), "not a whole number"),
        (FIRST.replace("2009-12-01", "yesterday"), "not a time"),
        (FIRST.replace("2009-12-01 07:45:00", ""), "no time"),
    ],
)
def test_the_error_for_an_unusable_row_has_the_reason(tmp_path: Path, row: str, message: str) -> None:
    a_file(tmp_path, "a.csv.gz", HEADER + row)
    with pytest.raises(UnusableDataSet, match=message):
        list(convert("online-retail", tmp_path))
