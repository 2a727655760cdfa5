"""The contract of the Kafka ports, tested with both client libraries and a real broker."""

import os
import socket
import time
import uuid
from collections.abc import Generator, Iterator
from contextlib import closing

import pytest

from infra.kafka.assignments import Assignments
from infra.kafka.ports import Fenced, Kafka, Outgoing, OutOfRange, Unreachable, Unsent
from tests.infra.kafka.trying import (
    CLIENTS,
    PARTITIONS,
    Reader,
    a_topic,
    an_open_transaction,
    client_of,
    delete_topics,
    deleted_before,
    poll_until,
    publish,
    sent,
    tail,
    until,
    values,
)

ALL = set(range(PARTITIONS))
SESSION_S = 6.0


@pytest.fixture(params=CLIENTS)
def client(kafka: str, request: pytest.FixtureRequest) -> Kafka:
    return client_of(kafka, request.param)


@pytest.fixture
def topic(kafka: str, client: Kafka) -> Iterator[str]:
    with a_topic(kafka, client) as name:
        yield name


@pytest.fixture
def group() -> str:
    return f"group-{uuid.uuid4().hex}"


@pytest.fixture
def reader(client: Kafka, topic: str, group: str) -> Generator[Reader]:
    """The only member of its group."""
    opened = Reader(client.member(topic, group))
    yield opened
    opened.close()


# Members of a group


def test_a_lone_member_takes_all_partitions(reader: Reader) -> None:
    poll_until([reader], lambda: reader.held == ALL)
    assert sorted(reader.taken) == sorted(ALL)
    assert reader.lost == []


def test_members_with_short_polls_and_busy_times_finish_their_rebalance(
    client: Kafka, topic: str, group: str, reader: Reader
) -> None:
    second = Reader(client.member(topic, group))
    until_s = time.monotonic() + 30
    while len(reader.held) != PARTITIONS // 2 or len(second.held) != PARTITIONS // 2:
        assert time.monotonic() < until_s
        for one in (reader, second):
            one.step(0.002)
            time.sleep(0.05)
    second.close()


def test_a_second_member_gets_half_and_no_other_partition_moves(
    client: Kafka, topic: str, group: str, reader: Reader
) -> None:
    poll_until([reader], lambda: reader.held == ALL)
    second = Reader(client.member(topic, group))
    poll_until([reader, second], lambda: len(second.held) == len(reader.held) == PARTITIONS // 2)
    assert reader.held | second.held == ALL
    assert sorted(reader.lost) == sorted(second.taken) == sorted(second.held)
    second.close()
    poll_until([reader], lambda: reader.held == ALL)


def test_three_members_read_every_record_while_they_join(client: Kafka, topic: str, group: str) -> None:
    publish(client, [record for at in ALL for record in sent(topic, "a", "b", "c", partition=at)])
    readers = [Reader(client.member(topic, group)) for _ in range(3)]
    poll_until(readers, lambda: {len(reader.held) for reader in readers} == {2})
    poll_until(readers, lambda: all(len(one.read[at]) >= 3 for one in readers for at in one.held))
    for one in readers:
        assert all(one.values(at)[-3:] == ["a", "b", "c"] for at in one.held)
        one.close()


def test_a_named_member_keeps_its_partitions_through_a_quick_restart(
    client: Kafka, topic: str, group: str, reader: Reader
) -> None:
    named = Reader(client.member(topic, group, name="worker-1"))
    poll_until([reader, named], lambda: len(named.held) == len(reader.held) == PARTITIONS // 2)
    kept, lost = named.held, len(reader.lost)
    named.close()
    again = Reader(client.member(topic, group, name="worker-1"))
    poll_until([reader, again], lambda: again.held == kept)
    assert len(reader.lost) == lost
    again.close()


def test_a_member_fences_another_of_the_same_name(client: Kafka, topic: str, group: str) -> None:
    first = Reader(client.member(topic, group, name="worker-1"))
    poll_until([first], lambda: first.held == ALL)
    second = Reader(client.member(topic, group, name="worker-1"))
    poll_until([second], lambda: second.held == ALL)

    def poll_on() -> None:
        for _ in range(100):
            first.step()

    with pytest.raises(Fenced):
        poll_on()
    first.close()
    second.close()


def test_a_partition_that_came_back_between_two_polls_is_reported_as_revoked_and_assigned() -> None:
    assignments = Assignments()
    assignments.assigned(1)
    assert assignments.take_changes() == ([], [1])
    assignments.reading.add(1)
    assignments.revoked(1)
    assignments.assigned(1)
    assert assignments.take_changes() == ([1], [1])
    assert assignments.reading == set()
    assignments.revoked(1)
    assignments.assigned(1)
    assignments.revoked(1)
    assert assignments.take_changes() == ([1], [])


def test_a_partition_that_came_and_went_between_two_polls_is_not_reported() -> None:
    assignments = Assignments()
    assignments.assigned(1)
    assignments.revoked(1)
    assert assignments.take_changes() == ([], [])


def test_a_member_that_pauses_and_is_busy_for_longer_than_its_session_stays_in_the_group(
    client: Kafka, topic: str, reader: Reader
) -> None:
    poll_until([reader], lambda: reader.held == ALL)
    reader.member.pause(ALL)
    publish(client, sent(topic, "waits"))
    time.sleep(SESSION_S + 1)
    assert [reader.step(0.5) for _ in range(4)] == [([], [], {})] * 4
    for partition in ALL:
        reader.member.begin(partition, 0)
    poll_until([reader], lambda: reader.values() == ["waits"])


# Offsets at which reading begins


def test_nothing_is_read_before_it_is_begun(client: Kafka, topic: str, group: str) -> None:
    publish(client, sent(topic, "a"))
    reader = Reader(client.member(topic, group), begins=False)
    poll_until([reader], lambda: reader.held == ALL)
    assert [reader.step(0.3).records for _ in range(3)] == [{}, {}, {}]
    reader.close()


def test_a_partition_is_read_from_the_requested_offset_and_again_from_another(
    client: Kafka, topic: str, reader: Reader
) -> None:
    publish(client, sent(topic, "a", "b", "c"))
    poll_until([reader], lambda: reader.values() == ["a", "b", "c"])
    reader.member.begin(0, 1)
    poll_until([reader], lambda: reader.values() == ["a", "b", "c", "b", "c"])
    assert [record.offset for record in reader.read[0]] == [0, 1, 2, 1, 2]


def test_an_empty_partition_begins_at_nothing_and_a_full_one_at_its_end(
    client: Kafka, topic: str, reader: Reader
) -> None:
    publish(client, sent(topic, "a", "b"))
    poll_until([reader], lambda: reader.held == ALL)
    reader.member.begin(1, 0)
    reader.member.begin(0, 2)
    publish(client, [*sent(topic, "c"), *sent(topic, "z", partition=1)])
    poll_until([reader], lambda: reader.values()[-1:] == ["c"] and reader.values(1) == ["z"])


@pytest.mark.parametrize("offset", [0, 1, 4])
def test_an_offset_out_of_range_is_refused(
    kafka: str, client: Kafka, topic: str, group: str, offset: int
) -> None:
    publish(client, sent(topic, "a", "b", "c"))
    deleted_before(kafka, topic, 2)
    reader = Reader(client.member(topic, group), begins=False)
    poll_until([reader], lambda: reader.held == ALL)
    with pytest.raises(OutOfRange) as refused:
        reader.member.begin(0, offset)
    assert (refused.value.partition, refused.value.offset) == (0, offset)
    assert (refused.value.first, refused.value.end) == reader.member.bounds(0) == (2, 3)
    reader.close()


def test_records_that_are_deleted_before_they_are_read_are_not_skipped_silently(
    kafka: str, client: Kafka, topic: str, reader: Reader
) -> None:
    publish(client, sent(topic, *"abcdef"))
    poll_until([reader], lambda: reader.values() == list("abcdef"))
    deleted_before(kafka, topic, 4)
    reader.member.begin(0, 4)
    poll_until([reader], lambda: reader.values()[6:] == ["e", "f"])
    reader.member.pause([0])
    publish(client, sent(topic, *"ghij"))
    deleted_before(kafka, topic, 9)
    with pytest.raises(OutOfRange) as missed:
        reader.member.begin(0, 6)
    assert missed.value.partition == 0
    assert (missed.value.offset, missed.value.first, missed.value.end) == (6, 9, 10)


def test_a_poll_returns_at_most_the_maximum_of_records(client: Kafka, topic: str, reader: Reader) -> None:
    publish(client, sent(topic, *"abcdefg"))
    poll_until([reader], lambda: reader.held == ALL)
    sizes: list[int] = []
    while sum(sizes) < 7:
        sizes.append(sum(map(len, reader.step(1.0, most=3).records.values())))
    assert max(sizes) <= 3
    assert reader.values() == list("abcdefg")


def test_a_record_comes_as_it_was_sent(client: Kafka, topic: str, reader: Reader) -> None:
    headers = (("content-type", b"application/json"), ("empty", b""))
    publish(client, [Outgoing(topic, 2, b"acme", b"\x00\xff", headers), Outgoing(topic, 2, b"acme", b"", ())])
    poll_until([reader], lambda: len(reader.read[2]) == 2)
    first, second = reader.read[2]
    assert first[:4] == (2, 0, b"\x00\xff", headers)
    assert abs(first.timestamp_ms - time.time() * 1000) < 60_000
    assert second[:4] == (2, 1, b"", ())


def test_an_idle_member_uses_hardly_any_cpu(reader: Reader) -> None:
    poll_until([reader], lambda: reader.held == ALL)
    began, worked = time.monotonic(), time.process_time()
    for _ in range(3):
        reader.step(1.0)
    assert 2.9 < time.monotonic() - began < 6
    assert time.process_time() - worked < 0.3


# Transactions and readers


def test_a_transaction_is_seen_once_it_is_committed(
    kafka: str, client: Kafka, topic: str, reader: Reader
) -> None:
    poll_until([reader], lambda: reader.held == ALL)
    with an_open_transaction(kafka, sent(topic, "a")) as transaction:
        publish(client, sent(topic, "after it"))
        assert [reader.step(0.3).records for _ in range(3)] == [{}, {}, {}]
        assert reader.member.bounds(0) == (0, 0)
        assert tail(client, topic) == []
        transaction.commit_transaction()
    poll_until([reader], lambda: reader.values() == ["a", "after it"])


def test_a_transaction_that_was_aborted_is_never_seen(
    kafka: str, client: Kafka, topic: str, reader: Reader
) -> None:
    poll_until([reader], lambda: reader.held == ALL)
    with an_open_transaction(kafka, sent(topic, "aborted")) as transaction:
        transaction.abort_transaction()
    publish(client, sent(topic, "after it"))
    poll_until([reader], lambda: reader.values() == ["after it"])
    assert tail(client, topic) == ["after it"]


# Publishing


def test_flushed_records_are_in_order_and_not_doubled(client: Kafka, topic: str) -> None:
    texts = [str(n) for n in range(3_000)]
    publish(client, sent(topic, *texts))
    assert tail(client, topic) == texts


def test_a_record_that_is_too_large_is_unsent_and_the_next_publisher_works(client: Kafka, topic: str) -> None:
    publisher = client.publisher()
    with pytest.raises(Unsent):
        publisher.send(sent(topic, "x" * 1_048_576)[0])
    publisher.close()
    publish(client, sent(topic, "next"))
    assert tail(client, topic) == ["next"]


def test_a_record_that_only_the_broker_finds_too_large_is_unsent_and_the_next_publisher_works(
    kafka: str, client: Kafka
) -> None:
    with a_topic(kafka, client, 1, **{"max.message.bytes": "2000"}) as small:
        publisher = client.publisher()
        publisher.send(Outgoing(small, 0, b"acme", os.urandom(8_000)))
        with pytest.raises(Unsent):
            publisher.flush()
        with pytest.raises(Unsent):
            publisher.send(sent(small, "too late")[0])
        publish(client, sent(small, "next"))
        assert tail(client, small) == ["next"]


def test_the_broker_accepts_the_largest_record_that_the_publisher_allows(client: Kafka, topic: str) -> None:
    publisher = client.publisher()
    largest = os.urandom(1_048_576 - 1_100)
    publisher.send(Outgoing(topic, 0, b"acme", largest))
    publisher.flush()
    publisher.close()


def test_a_record_for_a_missing_partition_is_unsent(client: Kafka, topic: str) -> None:
    publisher = client.publisher()

    def send() -> None:
        publisher.send(sent(topic, "a", partition=PARTITIONS)[0])
        publisher.flush(20)

    with pytest.raises(Unsent):
        send()


# Transactional publisher


def test_a_transaction_has_its_records_and_its_checkpoints(client: Kafka, topic: str, group: str) -> None:
    transactional = client.transactional_publisher(group, group, [topic])
    assert transactional.checkpoints() == {}
    transactional.write([*sent(topic, "a", "b"), *sent(topic, "c", partition=1)], {topic: 2})
    transactional.write([], {topic: 3})
    transactional.write(sent(topic, "d"), {topic: 4})
    assert transactional.checkpoints() == {topic: 4}
    transactional.close()
    assert (tail(client, topic), tail(client, topic, 1)) == (["a", "b", "d"], ["c"])


def test_checkpoints_are_kept_per_topic(kafka: str, client: Kafka, topic: str, group: str) -> None:
    with a_topic(kafka, client, 1) as other:
        transactional = client.transactional_publisher(group, group, [topic, other])
        transactional.write(sent(topic, "a"), {topic: 7})
        transactional.write(sent(other, "b"), {other: 9})
        transactional.close()
        again = client.transactional_publisher(group, group, [topic, other])
        assert again.checkpoints() == {topic: 7, other: 9}
        again.close()


def test_a_second_publisher_fences_the_first_and_its_transaction_is_aborted(
    client: Kafka, topic: str, group: str
) -> None:
    first = client.transactional_publisher(group, group, [topic])
    first.write(sent(topic, "a"), {topic: 1})
    second = client.transactional_publisher(group, group, [topic])
    with pytest.raises(Fenced):
        first.write(sent(topic, "zombie"), {topic: 99})
    assert second.checkpoints() == {topic: 1}
    second.write(sent(topic, "b"), {topic: 2})
    assert tail(client, topic) == ["a", "b"]
    first.close()
    second.close()


def test_a_publisher_is_fenced_even_if_it_writes_only_a_checkpoint(
    client: Kafka, topic: str, group: str
) -> None:
    first = client.transactional_publisher(group, group, [topic])
    second = client.transactional_publisher(group, group, [topic])
    with pytest.raises(Fenced):
        first.write([], {topic: 99})
    assert second.checkpoints() == {}
    second.close()


def test_a_transaction_with_a_record_too_large_is_not_written_at_all(
    client: Kafka, topic: str, group: str
) -> None:
    transactional = client.transactional_publisher(group, group, [topic])
    with pytest.raises(Unsent):
        transactional.write(sent(topic, "a", "x" * 1_048_576), {topic: 1})
    again = client.transactional_publisher(group, group, [topic])
    assert again.checkpoints() == {}
    again.write(sent(topic, "b"), {topic: 1})
    again.close()
    assert tail(client, topic) == ["b"]


def test_a_transaction_with_a_record_that_the_broker_refuses_is_not_written_at_all(
    kafka: str, client: Kafka, group: str
) -> None:
    with a_topic(kafka, client, 1, **{"max.message.bytes": "2000"}) as small:
        transactional = client.transactional_publisher(group, group, [small])
        refused = Outgoing(small, 0, b"acme", os.urandom(8_000))
        with pytest.raises((Unsent, Unreachable)):
            transactional.write([refused], {small: 1})
        again = client.transactional_publisher(group, group, [small])
        assert again.checkpoints() == {}
        again.write(sent(small, "b"), {small: 1})
        again.close()
        assert tail(client, small) == ["b"]


# The cluster


def test_the_last_records_are_found_behind_transaction_markers(
    kafka: str, client: Kafka, topic: str, group: str
) -> None:
    transactional = client.transactional_publisher(group, group, [topic])
    for text in "abcdef":
        transactional.write(sent(topic, text), {})
    transactional.close()
    with an_open_transaction(kafka, sent(topic, *"aborted")) as transaction:
        transaction.abort_transaction()
    cluster = client.cluster()
    assert values(cluster.tail(topic, 0, 3)) == ["d", "e", "f"]
    assert values(cluster.tail(topic, 0, 100)) == list("abcdef")
    assert cluster.tail(topic, 1, 3) == []
    cluster.close()


def test_lag_counts_the_records_after_the_committed_offset(
    client: Kafka, topic: str, group: str, reader: Reader
) -> None:
    publish(client, [*sent(topic, "a", "b", "c"), *sent(topic, "d", partition=1)])
    cluster = client.cluster()
    assert cluster.lag(group, topic) == {at: {0: 3, 1: 1}.get(at, 0) for at in ALL}
    poll_until([reader], lambda: reader.held == ALL)
    assert reader.member.committed_offset(0) is None
    reader.member.commit_offsets({0: 2, 99: 1})
    until(lambda: not reader.step().revoked and cluster.lag(group, topic)[0] == 1)
    assert reader.member.committed_offset(0) == 2
    cluster.close()


def test_a_created_topic_is_visible_at_once(kafka: str, client: Kafka) -> None:
    names = [f"test-{uuid.uuid4().hex}" for _ in range(20)]
    with closing(client.cluster()) as cluster:
        for name in names:
            cluster.create(name, 3, 1, {})
            assert name in cluster.topics([name])
    delete_topics(kafka, *names)


def test_a_recreated_topic_has_another_id(kafka: str, client: Kafka) -> None:
    cluster, name = client.cluster(), f"test-{uuid.uuid4().hex}"
    assert cluster.topics([name]) == {}
    ids: set[str] = set()
    for _ in range(2):
        cluster.create(name, 3, 1, {"retention.ms": "1234567"})
        cluster.create(name, 5, 1, {})  # it exists already
        described = cluster.topics([name])[name]
        assert (described.partitions, described.replication, described.settings["retention.ms"]) == (
            3,
            1,
            "1234567",
        )
        ids.add(described.id)
        delete_topics(kafka, name)
        until(lambda: not cluster.topics([name]))
    assert len(ids) == 2
    assert all(uuid.UUID(one) for one in ids)
    assert cluster.brokers() == 1
    cluster.close()


def test_both_libraries_describe_a_topic_equally(kafka: str, topic: str) -> None:
    one, other = (client_of(kafka, name).cluster() for name in CLIENTS)
    with closing(one), closing(other):
        assert one.topics([topic]) == other.topics([topic])


# A cluster that cannot be reached


@pytest.mark.parametrize("name", CLIENTS)
def test_the_error_for_an_unreachable_cluster_has_the_reason(name: str) -> None:
    client = client_of("127.0.0.1:1", name)
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"(?i)refused"):
        client.cluster()
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("name", CLIENTS)
def test_servers_that_accept_connections_but_never_reply_cost_a_few_seconds_once(
    kafka: str, name: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        silent = [f"127.0.0.1:{server.getsockname()[1]}" for server in (one, other)]
        client = client_of(",".join([*silent, kafka]), name)
        client.cluster().close()
        began = time.monotonic()
        for _ in range(8):
            client.cluster().close()
        assert time.monotonic() - began < 6.0  # if each call tried a silent server first, it would take 26 s
