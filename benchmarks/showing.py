"""The figures as a table for people and as JSON for programs."""

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.figures import Figure, Goal, Samples

HEAD = (
    f"{'figure':<46}{'median':>10}{'min..max':>19}  {'unit':<8}{'baseline':>10}"
    f"{'ratio':>9}  {'goal':<17}{'met':<5}beside"
)


def line(figure: Figure) -> str:
    """A figure as a line of the table, and below it what a reader has to know."""
    spread = f"{_number(min(figure.measured))}..{_number(max(figure.measured))}"
    met = {True: "yes", False: "NO", None: ""}[figure.is_met]
    text = (
        f"{figure.name:<46}{_number(figure.measured.median):>10}{spread:>19}  {figure.unit:<8}"
        f"{_number(figure.baseline.median):>10}{_ratio(figure.ratio):>9}"
        f"  {_goal(figure.goal, figure.unit):<17}{met:<5}{figure.against}"
    )
    return f"{text}\n    {figure.note}" if figure.note else text


def write(path: Path, figures: Sequence[Figure], seconds: float, repetitions: int) -> None:
    """Write ``figures`` to ``path`` as JSON, with how and on what they were measured."""
    document = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load_average": [round(one, 2) for one in os.getloadavg()],
        "python": platform.python_version(),
        "seconds": seconds,
        "repetitions": repetitions,
        "figures": [_document(figure) for figure in figures],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def _document(figure: Figure) -> dict[str, object]:
    return {
        "name": figure.name,
        "unit": figure.unit,
        "measured": _samples(figure.measured),
        "against": figure.against,
        "baseline": _samples(figure.baseline),
        "ratio": figure.ratio,
        "goal": _goal(figure.goal, figure.unit),
        "met": figure.is_met,
        "note": figure.note,
    }


def _samples(samples: Samples) -> dict[str, object]:
    return {"median": samples.median, "values": list(samples)}


def _goal(goal: Goal | None, unit: str) -> str:
    if goal is None:
        return ""
    limit = _ratio(goal.limit) if goal.of == "ratio" else f"{goal.limit:g} {unit}"
    return f"{'≥' if goal.bound == 'at least' else '≤'} {limit}"


def _ratio(value: float) -> str:
    """Shares in percent, multiples as such."""
    return f"{value:.1%}" if value < 2 else f"{value:,.1f} x"


def _number(value: float) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 5
    return f"{value:,.{digits}f}"
