from datetime import timedelta

from kafka_worker.policies import RetryPolicy

POLICY = RetryPolicy(first_delay=timedelta(seconds=1), max_delay=timedelta(seconds=10), jitter=0.5)


def test_delays_double_up_to_the_limit() -> None:
    delays = [POLICY.delay(failures, draw=lambda: 0.0) for failures in range(1, 7)]
    assert delays == [1, 2, 4, 8, 10, 10]


def test_jitter_takes_away_at_most_its_share() -> None:
    assert POLICY.delay(2, draw=lambda: 1.0) == 1
    assert 1 <= POLICY.delay(2) <= 2


def test_a_thousand_failures_are_no_overflow() -> None:
    assert POLICY.delay(1_000, draw=lambda: 0.0) == 10
