"""Puts messages that start workflows on the topic."""

from datetime import timedelta

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as KafkaMessage

from kafka_worker.config import WorkerConfig
from workflow.exceptions import NotPublished
from workflow.messages import TOPIC, StartWorkflow, encode

ACKNOWLEDGEMENT_TIMEOUT = timedelta(seconds=5)


def publish(
    message: StartWorkflow,
    config: WorkerConfig,
    *,
    topic: str = TOPIC,
    timeout: timedelta = ACKNOWLEDGEMENT_TIMEOUT,
) -> None:
    """Send one message and wait for the broker's acknowledgement.

    Makes a producer of its own each time, which costs some milliseconds and makes this safe to
    call anywhere, after a fork too.

    Args:
        message: what to send; its run id is the key.
        config: the broker's address and options.
        topic: where to.
        timeout: how long to wait.

    Raises:
        NotPublished: no acknowledgement came; the message may be in the topic or not.
    """
    outcome: list[KafkaError | None] = []
    problems: list[str] = []

    def delivered(error: KafkaError | None, _message: KafkaMessage) -> None:
        outcome.append(error)

    producer = Producer(
        _options(config, timeout), error_cb=lambda error: problems.append(error.str())
    )
    try:
        producer.produce(topic, encode(message), key=message.run_id, on_delivery=delivered)
    except (KafkaException, BufferError) as error:
        raise NotPublished(f"the broker's client refused the message: {error}") from error
    producer.flush(timeout.total_seconds() + 1)
    if not outcome or outcome[0] is not None:
        reason = outcome[0].str() if outcome and outcome[0] else "no answer"
        details = f" ({problems[-1]})" if problems else ""
        raise NotPublished(f"{topic} at {config.bootstrap_servers}: {reason}{details}")


def _options(config: WorkerConfig, timeout: timedelta) -> dict[str, str | int | float | bool]:
    return {
        **config.client_options(),
        "acks": "all",
        "enable.idempotence": True,
        "linger.ms": 2,
        "message.timeout.ms": round(timeout.total_seconds() * 1000),
    }
