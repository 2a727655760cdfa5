"""Everything that Jumun may answer to a message beside accepting it, by its rule: for people to look up."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from domain.discrepancies import DISCREPANCIES
from domain.refusals import REFUSALS


class Rule(NamedTuple):
    """`kind`: refusal, discrepancy, or set aside (the message cannot be read)."""

    rule: str
    kind: str
    sentence: str
    when: str
    remedy: str


_SET_ASIDE: Final = {
    "too_large": ("The message is longer than 256 KB.", "split it"),
    "unknown_type": ("There is no such type of message.", "see docs/messages.md"),
    "actor_missing": ("A request names who asks.", "add the attribute actor"),
    "part_beyond_of": ("The number of the part is greater than that of all parts.", "correct part or of"),
    "not_utf8": ("The bytes are not UTF-8.", "encode the message as UTF-8"),
    "byte_order_mark": ("The message begins with a byte order mark.", "leave the mark out"),
    "not_json": ("The message is not JSON.", "correct it at the byte that the answer names"),
    "too_deep": ("The message is nested too deeply.", "see docs/messages.md"),
    "number_too_long": ("A number has too many digits.", "shorten it"),
    "not_an_object": ("A message is a JSON object.", "send one object per message"),
    "duplicate_key": ("A key stands twice in one object.", "leave one of them out"),
    "not_a_number": ("NaN and Infinity are not JSON.", "leave the value out"),
    "wrong_partition": ("The seller belongs to another partition.", "publish with the seller as the key"),
    "kills_the_worker": ("The worker stopped each time at this message.", "report it as a bug"),
    "missing": ("A required field is missing.", "add the field that the answer names"),
    "extra_forbidden": ("There is no such field.", "correct its name, or leave it out"),
}
"""By rule.  Other rules that set a message aside are pydantic's error types, for example `int_type`."""


def every_rule() -> list[Rule]:
    """Refusals, then discrepancies, then what sets a message aside."""
    refusals = [
        Rule(kind().rule, "refusal", _sentence(kind), ", ".join(refusal.when), refusal.remedy)
        for kind, refusal in REFUSALS.items()
    ]
    too_many = "The seller has as many parked messages as may wait."
    refusals.append(
        Rule(
            "too_many_parked", "refusal", too_many, "every message", "send it again later; see `jumun parked`"
        )
    )
    discrepancies = [
        Rule(
            kind,
            "discrepancy",
            f"Believed: {meaning.believed}. Observed: {meaning.observed}.",
            "a fact contradicts what was recorded before; it is recorded all the same",
            meaning.remedy,
        )
        for kind, meaning in DISCREPANCIES.items()
    ]
    unread = [
        Rule(rule, "set aside", sentence, "a message cannot be read", remedy)
        for rule, (sentence, remedy) in _SET_ASIDE.items()
    ]
    return [*refusals, *discrepancies, *unread]


def _sentence(kind: type) -> str:
    return " ".join((kind.__doc__ or "").split())


def markdown() -> str:
    """The tables of docs/rules.md."""
    rules = every_rule()
    refused = [
        (f"`{one.rule}`", one.sentence, one.when, one.remedy) for one in rules if one.kind == "refusal"
    ]
    differing = [(f"`{kind}`", *meaning) for kind, meaning in DISCREPANCIES.items()]
    unread = [(f"`{one.rule}`", one.sentence, one.remedy) for one in rules if one.kind == "set aside"]
    return "\n".join(
        [
            *_table(
                "Refusals: a rule forbids a wish, and nothing is recorded", "rule sentence when", refused
            ),
            *_table(
                "Discrepancies: a fact is recorded, and contradicts what was recorded before",
                "kind believed observed",
                differing,
            ),
            *_table("Set aside: the message cannot be read", "rule sentence", unread),
        ]
    )


def _table(title: str, columns: str, rows: Iterable[Sequence[str]]) -> list[str]:
    names = [*columns.split(), "what to do"]
    lines = [names, ["---"] * len(names), *rows]
    return [f"## {title}", "", *(f"| {' | '.join(line)} |" for line in lines), ""]
