"""CloudEvents in binary mode are converted to structured mode."""

import pytest

from infra.wire.binary_mode import structured

ID = ("id", b"1")


def test_attributes_come_first_and_the_data_stays_as_it_was_written() -> None:
    assert (
        structured([ID, ("source", b"shop")], b'{ "a" : 1 }')
        == b'{"id":"1","source":"shop","data":{ "a" : 1 }}'
    )


@pytest.mark.parametrize(
    ("name", "text", "written"),
    [
        ("part", b"2", b"2"),
        ("of", b"3", b"3"),
        ("of", b"-3", b'"-3"'),
        ("inferred", b"true", b"true"),
        ("inferred", b"false", b"false"),
        ("inferred", b"yes", b'"yes"'),
        ("subject", b"7", b'"7"'),
    ],
)
def test_an_attribute_has_the_type_of_the_contract(name: str, text: bytes, written: bytes) -> None:
    assert structured([(name, text)], b"{}") == b'{"' + name.encode() + b'":' + written + b',"data":{}}'


def test_only_a_content_type_other_than_json_is_named() -> None:
    assert structured([ID], b"{}", b"application/json; charset=utf-8") == b'{"id":"1","data":{}}'
    assert structured([ID], b"{}", b"text/xml") == b'{"id":"1","datacontenttype":"text/xml","data":{}}'


@pytest.mark.parametrize("data", [b"", b"no json", b'{"a":1},"id":"2","x":{}', b"\xff"])
def test_data_that_is_not_json_is_left_to_the_parser(data: bytes) -> None:
    assert structured([ID], data) == data


def test_an_attribute_that_is_not_utf_8_is_left_to_the_parser() -> None:
    assert structured([("id", b"\xff")], b"{}") == b"{}"
