"""Verifies that nothing was lost, doubled or changed, and finds wrong decisions.

Damage is what was lost, doubled or changed since it was committed: in the hash chain, the sequences and the
read models.  A finding is a decision that was wrong when it was made; a message corrects it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from domain.audit import Audit
from domain.findings import Finding
from domain.streams import StreamId
from infra.audit.history import Damaged, recorded_after
from infra.event_store.chain import GENESIS, Commit, commit_hash, content_hash, message_bytes
from infra.event_store.reader import OpenLedger
from infra.event_store.reading.commits import all_commits, message_bodies
from infra.event_store.reading.events import events_between
from infra.event_store.reading.outcomes import outcomes_between
from infra.event_store.reading.sellers import seller_partitions
from infra.read_models.store import ReadModels
from projections.fold import Recorded
from projections.verify import recount

Step = Callable[[str, int], None]
"""Called with the name of the running check and the number of events read since the last call."""


def _no_progress(what: str, events: int) -> None:
    del what, events


@dataclass(slots=True)
class Verdict:
    """The result of a verification: what was checked, what is damaged, and what was decided wrongly."""

    commits: int = 0
    events: int = 0
    behind: int = 0
    """Events that the read models have not folded yet; the tables are compared as of their checkpoints."""
    chain: str = ""
    """Hash of the last commit.  If a copy is kept elsewhere, nobody can rewrite the history unnoticed."""
    digests: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """For each table the digest of the stored rows, and of the rows recounted from the ledger."""
    damage: list[str] = field(default_factory=list[str])
    findings: list[Finding] = field(default_factory=list[Finding])
    settled: int = 0
    """Further findings that were looked into since: an order was checked, stock was counted."""

    @property
    def problems(self) -> list[str]:
        """Damage and findings, a line each."""
        return [*self.damage, *map(str, self.findings)]

    @property
    def holds(self) -> bool:
        return not self.problems


def verify(ledger: OpenLedger, read_models: ReadModels, step: Step = _no_progress) -> Verdict:
    """Verifies the whole ledger and the read models; changes nothing."""
    verdict = Verdict()
    verdict.damage += chain_damage(ledger, verdict, step)
    positions, stored = read_models.positions_and_digests()
    history, folded = _History(ledger, verdict, step), _Folded(ledger, positions)
    try:
        counted = recount(folded.of(history.events())).digests
    except Damaged as damage:
        verdict.damage.append(f"{damage}; the read models could not be recounted")
        return verdict
    verdict.damage += history.gaps
    for finding in history.audit.findings():
        if finding.settled:
            verdict.settled += 1
        else:
            verdict.findings.append(finding)
    verdict.behind = folded.behind
    for table in sorted(stored | counted):
        verdict.digests[table] = stored.get(table, "missing"), counted.get(table, "missing")
    if stored != counted:
        verdict.damage += _differences(ledger, read_models, folded)
    return verdict


class _Folded:
    """Selects the events that the read models have folded: up to the checkpoint of each partition."""

    def __init__(self, ledger: OpenLedger, checkpoints: Mapping[int, int]) -> None:
        partitions = seller_partitions(ledger)
        self._checkpoint_of = {
            seller: checkpoints.get(partition, 0) for seller, partition in partitions.items()
        }
        self.behind = 0

    def of(self, events: Iterable[Recorded]) -> Iterator[Recorded]:
        for recorded in events:
            if recorded.position <= self._checkpoint_of.get(recorded.seller_id, 0):
                yield recorded
            else:
                self.behind += 1


def _differences(ledger: OpenLedger, read_models: ReadModels, folded: _Folded) -> Iterator[str]:
    events = (recorded for chunk in recorded_after(ledger, 0) for recorded in chunk)
    for difference in read_models.verify(folded.of(events)):
        row = " ".join(str(part) for part in difference.key)
        columns = ", ".join(difference.columns)
        yield f"read model {difference.table}, row {row}: {columns} differs from the ledger's events"


def chain_damage(ledger: OpenLedger, verdict: Verdict, step: Step = _no_progress) -> Iterator[str]:
    """Recomputes each commit's hash from the previous hash, its messages, outcomes and events."""
    last: defaultdict[int, bytes] = defaultdict(lambda: GENESIS)
    offset: defaultdict[int, int] = defaultdict(int)
    position = 1
    for commit in all_commits(ledger):
        expected_offset = offset[commit.partition]
        if commit.from_offset != expected_offset:
            yield f"commit {commit.number} begins at offset {commit.from_offset}, not {expected_offset}"
        if commit.first_position != position:
            yield f"commit {commit.number} begins at position {commit.first_position}, not {position}"
        if _rehash(ledger, commit, last[commit.partition]) != commit.hash:
            yield f"commit {commit.number}: its messages, outcomes or events are not what was committed"
        last[commit.partition], offset[commit.partition] = commit.hash, commit.next_offset
        position = commit.last_position + 1
        verdict.commits += 1
        verdict.chain = commit.hash.hex()
        step("chain", commit.event_count)


def _rehash(ledger: OpenLedger, commit: Commit, previous: bytes) -> bytes:
    with ledger.reading() as reader:
        bodies = message_bodies(reader, commit.number)
        outcomes = outcomes_between(reader, commit.first_outcome, commit.last_outcome)
        events = events_between(reader, commit.first_position, commit.last_position)
    content = content_hash(
        message_bytes(bodies),
        [outcome.content(commit.first_position) for outcome in outcomes],
        [event.state for event in events],
    )
    return commit_hash(previous, commit, content)


class _History:
    """Reads the ledger's events once for three checks: the recount, the sequences and the invariants."""

    def __init__(self, ledger: OpenLedger, verdict: Verdict, step: Step) -> None:
        self._ledger, self._verdict, self._step = ledger, verdict, step
        self.audit = Audit()
        self.gaps: list[str] = []

    def events(self) -> Iterator[Recorded]:
        versions: defaultdict[str, int] = defaultdict(int)
        sequences: defaultdict[str, int] = defaultdict(int)
        for chunk in recorded_after(self._ledger, 0):
            for recorded in chunk:
                self._expect("position", "", self._verdict.events, recorded.position)
                self._expect("version", recorded.stream, versions[recorded.stream], recorded.version)
                self._expect("sequence", recorded.seller_id, sequences[recorded.seller_id], recorded.sequence)
                self._verdict.events = recorded.position
                versions[recorded.stream] = recorded.version
                sequences[recorded.seller_id] = recorded.sequence
                self.audit.see(StreamId(recorded.stream), recorded.event)
                yield recorded
            self._step("history", len(chunk))

    def _expect(self, what: str, of: str, last: int, actual: int) -> None:
        if actual != last + 1:
            self.gaps.append(f"{what} {last + 1} {of} is missing: {actual} follows {last}")
