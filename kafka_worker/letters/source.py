"""The message of a letter; where its letter could not hold it, from the topic it came from."""

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka import Message as KafkaMessage
from confluent_kafka.admin import AdminClient

from kafka_worker.config import WorkerConfig
from kafka_worker.letters.form import Content, Letter, content_in
from kafka_worker.letters.reading import TopicReader
from kafka_worker.messages import headers_in, key_of, value_of

_TIMEOUT = 5.0


def message_in(letter: Letter, raw: KafkaMessage, config: WorkerConfig) -> Content | None:
    """The message of a letter; None when its letter is without it and its topic has it no more.

    Args:
        letter: the letter.
        raw: its record.
        config: where the brokers are.

    Raises:
        Unavailable: the broker does not answer.
    """
    if not letter.withheld:
        return content_in(raw, letter)
    if not _is_same_topic(letter, config):
        return None
    found = TopicReader(config, letter.topic).at(letter.partition, letter.offset)
    if found is None:
        return None
    return Content(key_of(found), value_of(found), tuple(headers_in(found)))


def _is_same_topic(letter: Letter, config: WorkerConfig) -> bool:
    """Whether offsets still mean what they meant: a topic made anew has other messages there."""
    admin = AdminClient(dict(config.client_options()))
    answers = admin.describe_topics(TopicCollection([letter.topic]), request_timeout=_TIMEOUT)
    try:
        return str(answers[letter.topic].result().topic_id) == letter.topic_id
    except KafkaException:
        return False
