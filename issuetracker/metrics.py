"""What bringing changes into the store takes, for Prometheus."""

from prometheus_client import Counter, Histogram

CHANGES = Counter(
    "issuetracker_changes",
    "Changes brought to the store, by outcome: applied, duplicate (applied before), refused.",
    ["outcome"],
)
APPLIED, DUPLICATE, REFUSED = (
    CHANGES.labels(outcome) for outcome in ("applied", "duplicate", "refused")
)
WRITES = Counter("issuetracker_issue_writes", "Issues written; one holds many changes.")
CONFLICTS = Counter(
    "issuetracker_write_conflicts",
    "Issues that another process changed meanwhile; they were read and merged again.",
)
STORE_SECONDS = Histogram(
    "issuetracker_store_seconds",
    "Time of one call of the store for a batch: read or write.",
    ["call"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)
READ_SECONDS, WRITE_SECONDS = (STORE_SECONDS.labels(call) for call in ("read", "write"))
