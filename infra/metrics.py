"""What Prometheus is told: rate, lag, batches and commits, refusals by rule, what waits and is set aside."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

MESSAGES: Final = Counter("jumun_messages_total", "Messages decided, by what became of them.", ["state"])
REFUSED: Final = Counter("jumun_refused_total", "Messages refused or set aside, by rule.", ["rule"])
EVENTS: Final = Counter("jumun_events_total", "Events that a stage has handled.", ["stage"])
BATCH: Final = Histogram(
    "jumun_batch_size",
    "Messages or events handled at once.",
    ["stage"],
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000),
)
COMMIT_SECONDS: Final = Histogram(
    "jumun_commit_seconds",
    "From a batch in hand to its commit.",
    ["stage"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
LAG_SECONDS: Final = Gauge(
    "jumun_lag_seconds", "Age of the last record that a stage has handled.", ["stage", "partition"]
)
LAG_MESSAGES: Final = Gauge("jumun_lag_messages", "Records that a stage has still to handle.", ["stage"])
FENCED: Final = Counter("jumun_fenced_total", "Attempts rolled back because another has moved on.", ["stage"])
WAITING: Final = Gauge("jumun_waiting_messages", "Messages that wait, by state.", ["state"])
FAILED_DEADLINES: Final = Gauge("jumun_failed_deadlines", "Deadlines that did not fall, for a bug.")
ACTIVE: Final = Gauge(
    "jumun_active", "1 where this process is the one that works, 0 where it stands by.", ["stage"]
)
POSITION: Final = Gauge("jumun_position", "Last position of the ledger that a stage has handled.", ["stage"])
HTTP_REQUESTS: Final = Counter(
    "jumun_http_requests_total", "Requests answered, by route template.", ["method", "route", "status"]
)
HTTP_SECONDS: Final = Histogram(
    "jumun_http_seconds",
    "From a request's head to its answer's end.",
    ["method", "route"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
