"""The workflow that is always there: a nightly report which fails, for the first look.

``manage.py start_workflow nightly-report`` fails at its last step, and the failure becomes an
issue. ``--payload '{"fail": false}'`` lets it succeed.
"""

from typing import Any

from workflow.registry import RetryPolicy, RunContext, step, workflow

_TRADES = [
    {"account": "A-17", "amount": 1200},
    {"account": "A-17", "amount": -200},
    {"account": "B-04", "amount": 310},
]


class ReportNotDelivered(Exception):
    """The report did not reach its readers."""


@workflow("nightly-report", retry=RetryPolicy(max_attempts=1))
class NightlyReport:
    """An example: sums the day's trades up and, unless told otherwise, fails to deliver them."""

    @step
    def collect_trades(self, _context: RunContext) -> list[dict[str, Any]]:
        """The day's trades."""
        return _TRADES

    @step
    def sum_up(self, context: RunContext) -> dict[str, int]:
        """The total of each account."""
        totals: dict[str, int] = {}
        for trade in context.results["collect_trades"]:
            totals[trade["account"]] = totals.get(trade["account"], 0) + trade["amount"]
        return totals

    @step
    def deliver(self, context: RunContext) -> str:
        """Send the report; fails unless the payload says ``"fail": false``."""
        if context.payload.get("fail", True):
            _send(context.results["sum_up"], {"reports": "reports@alphafusion.example"})
        return f"delivered {len(context.results['sum_up'])} totals"


def _send(totals: dict[str, int], addresses: dict[str, str]) -> None:
    try:
        _address_of("nightly", addresses)
    except KeyError as error:
        raise ReportNotDelivered(f"{len(totals)} totals have nowhere to go") from error


def _address_of(report: str, addresses: dict[str, str]) -> str:
    return addresses[report]
