"""The Prometheus metrics: rates, lag, batch sizes, commit times, refusals by rule, waiting messages."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

MESSAGES: Final = Counter("jumun_messages_total", "Messages decided, by outcome state.", ["state"])
REFUSED: Final = Counter("jumun_refused_total", "Messages refused or set aside, by rule.", ["rule"])
EVENTS: Final = Counter("jumun_events_total", "Events that a stage has processed.", ["stage"])
BATCH: Final = Histogram(
    "jumun_batch_size",
    "Messages or events in one batch.",
    ["stage"],
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000),
)
COMMIT_SECONDS: Final = Histogram(
    "jumun_commit_seconds",
    "Seconds from the start of a batch to the end of its commit.",
    ["stage"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
LAG_SECONDS: Final = Gauge(
    "jumun_lag_seconds",
    "Age of the last record that a stage has processed, in seconds.",
    ["stage", "partition"],
)
LAG_MESSAGES: Final = Gauge("jumun_lag_messages", "Records that a stage has not processed yet.", ["stage"])
FENCED: Final = Counter(
    "jumun_fenced_total", "Batches rolled back because another process was faster.", ["stage"]
)
WAITING: Final = Gauge("jumun_waiting_messages", "Parked and failed messages, by state.", ["state"])
FAILED_DEADLINES: Final = Gauge("jumun_failed_deadlines", "Deadlines that could not be processed: a bug.")
ACTIVE: Final = Gauge("jumun_active", "1 if this process is the leader, 0 if it is a standby.", ["stage"])
POSITION: Final = Gauge("jumun_position", "Last ledger position that a stage has processed.", ["stage"])
HTTP_REQUESTS: Final = Counter(
    "jumun_http_requests_total", "Requests answered, by route template.", ["method", "route", "status"]
)
HTTP_SECONDS: Final = Histogram(
    "jumun_http_seconds",
    "Seconds from the head of a request to the end of its response.",
    ["method", "route"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
