"""How much of a topic its consumer group has still to apply."""

from confluent_kafka import Consumer, KafkaException, TopicPartition


def unapplied(address: str, topic: str, group: str) -> int:
    """The number of messages in a topic's log after the group's positions.

    Args:
        address: the broker's, as ``bootstrap.servers`` takes it.
        topic: its name.
        group: the consumer group.

    Raises:
        KafkaException: the broker did not answer.
    """
    settings = {"bootstrap.servers": address, "group.id": group, "log_level": 0}
    consumer = Consumer({**settings, "allow.auto.create.topics": False})
    try:
        return _unapplied(consumer, topic)
    finally:
        consumer.close()


def _unapplied(consumer: Consumer, topic: str) -> int:
    found = consumer.list_topics(topic, timeout=2).topics[topic]
    if found.error is not None:
        raise KafkaException(found.error)
    partitions = [TopicPartition(topic, number) for number in found.partitions]
    total = 0
    for position in consumer.committed(partitions, timeout=2):
        low, high = consumer.get_watermark_offsets(position, timeout=2)
        # A group that has applied nothing yet has a negative position.
        total += high - max(position.offset, low)
    return total
