"""The dead-letter topic itself: there, roomy, kept without a time limit, compacted by key."""

import logging
from collections.abc import Iterable, Mapping

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
)
from confluent_kafka.cimpl import NewTopic

from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import WorkerError
from kafka_worker.letters.form import HEADROOM, dead_letters_of, rekeyed
from kafka_worker.letters.reading import LetterReader, in_chunks
from kafka_worker.letters.sending import Outgoing, Sender

logger = logging.getLogger(__name__)

IN_PROCESS_BROKER = "mockCluster"
_TIMEOUT = 5.0
_FOREVER = "-1"
_LIMIT, _POLICY, _RETENTION = "max.message.bytes", "cleanup.policy", "retention.ms"
_READING_SECONDS = 300.0


class LetterTopic:
    """The dead-letter topic of one topic.

    Args:
        config: where the brokers are, and how a topic is made.
        topic: the topic whose messages come here.
        admin: must live as long as this does.
    """

    def __init__(self, config: WorkerConfig, topic: str, admin: AdminClient) -> None:
        self.name = dead_letters_of(topic)
        self._config = config
        self._topic = topic
        self._admin = admin
        self._policy_refused = False
        self._warned: dict[str, str] = {}

    def ensure(self) -> None:
        """Make the topic if it is not there, and set right what would lose or refuse letters.

        Called before every writing: a topic that is deleted meanwhile would be made by the broker
        with its defaults, and letters would vanish after a week. It costs a few milliseconds.

        Raises:
            KafkaException: the broker does not answer, or refuses to make the topic.
        """
        metadata = self._admin.list_topics(timeout=_TIMEOUT)
        if (metadata.cluster_id or "").startswith(IN_PROCESS_BROKER):
            # There, asking for a topic makes it, and creating topics is not supported.
            self._admin.list_topics(self.name, timeout=_TIMEOUT)
            return
        topics = frozenset(metadata.topics or {})
        settings = self._settings(topics & {self._topic, self.name})
        wanted = {_POLICY: "compact", _RETENTION: _FOREVER}
        if self._topic in settings:
            wanted[_LIMIT] = str(int(settings[self._topic][_LIMIT]) + HEADROOM)
        if self.name not in settings:
            self._create(wanted)
        else:
            self._mend(_differing(settings[self.name], wanted))

    def _create(self, settings: dict[str, str]) -> None:
        topic = NewTopic(
            self.name,
            num_partitions=self._config.partitions,
            replication_factor=self._config.replication_factor,
            config=settings,
        )
        try:
            self._admin.create_topics([topic], operation_timeout=_TIMEOUT)[self.name].result()
        except KafkaException as failure:
            if failure.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
        else:
            logger.info("Created topic %s with %d partitions", self.name, self._config.partitions)

    def _settings(self, topics: Iterable[str]) -> dict[str, dict[str, str]]:
        resources = [ConfigResource(ConfigResource.Type.TOPIC, topic) for topic in topics]
        if not resources:
            return {}
        answers = self._admin.describe_configs(resources, request_timeout=_TIMEOUT)
        return {
            resource.name: {name: entry.value for name, entry in answer.result().items()}
            for resource, answer in answers.items()
        }

    def _mend(self, settings: dict[str, str]) -> None:
        if _POLICY in settings and (self._policy_refused or not self._may_be_compacted(settings)):
            self._policy_refused = True
            # Without compaction everything works too; discarded letters only take up room.
            del settings[_POLICY]
        if not settings:
            return
        try:
            self._alter(settings)
        except KafkaException as failure:
            self._warn(settings, failure)
        else:
            logger.info("Topic %s was set to %s", self.name, _written(settings))

    def _may_be_compacted(self, settings: dict[str, str]) -> bool:
        """Whether every letter is keyed by its id: compaction drops all others."""
        try:
            self._alter({_POLICY: settings[_POLICY]}, validate_only=True)
            return self._rekey()
        except (KafkaException, WorkerError) as failure:
            self._warn({_POLICY: settings[_POLICY]}, failure)
            return False

    def _rekey(self) -> bool:
        """Write every letter anew under its id, and take away what was there before.

        Letters from before version 0.1 have their message's key, or none.
        """
        reader = LetterReader(self._config, self._topic, _READING_SECONDS)
        ends = reader.ends()
        found = reader.find()
        if found.foreign:
            logger.warning(
                "Topic %s holds %d records that are no dead letters, and is not compacted",
                self.name,
                found.foreign,
            )
            return False
        sender = Sender(self._config)
        for chunk in in_chunks(reader.fetch(found.letters)):
            records = [rekeyed(raw, letter) for letter, raw in chunk]
            fates = sender.send(
                [Outgoing(self.name, each.key, each.value, each.headers) for each in records]
            )
            for error in fates:
                if error is not None:
                    raise KafkaException(error)
        before = [TopicPartition(self.name, number, high) for number, (_, high) in ends.items()]
        for deleted in self._admin.delete_records(before).values():
            deleted.result()
        return True

    def _alter(self, settings: Mapping[str, str], *, validate_only: bool = False) -> None:
        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            for name, value in settings.items()
        ]
        resource = ConfigResource(ConfigResource.Type.TOPIC, self.name, incremental_configs=entries)
        answers = self._admin.incremental_alter_configs(
            [resource], validate_only=validate_only, request_timeout=_TIMEOUT
        )
        answers[resource].result()

    def _warn(self, settings: dict[str, str], failure: Exception) -> None:
        if settings != self._warned:
            self._warned = settings
            logger.warning(
                "Topic %s can not be set to %s, please do it by hand: %s",
                self.name,
                _written(settings),
                failure,
            )


def _differing(present: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """The wanted settings that are not met."""
    met = {
        _POLICY: "compact" in present[_POLICY].split(","),
        _RETENTION: present[_RETENTION] == _FOREVER,
        _LIMIT: int(present[_LIMIT]) >= int(wanted.get(_LIMIT, 0)),
    }
    return {name: value for name, value in wanted.items() if not met[name]}


def _written(settings: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in settings.items())
