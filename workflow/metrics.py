"""The workflow app's metrics."""

from prometheus_client import Counter, Histogram

RUNS = Counter("workflow_runs", "Runs that ended, by how they ended.", ["workflow", "status"])
STEP_FAILURES = Counter(
    "workflow_step_failures", "Exceptions that steps raised.", ["workflow", "step"]
)
STEP_SECONDS = Histogram(
    "workflow_step_seconds",
    "How long steps took, whether they succeeded or failed.",
    ["workflow", "step"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900),
)
REPORTS = Counter(
    "workflow_exception_reports",
    "Exceptions handed to the issue tracker's client, by whether it took them.",
    ["outcome"],
)
