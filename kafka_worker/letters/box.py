"""The dead letters of one handler, and what people do with them."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from confluent_kafka import KafkaError

from kafka_worker import registry
from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import ConfigurationError, Unavailable
from kafka_worker.handlers import Handler
from kafka_worker.letters.form import Content, Letter, letter_in, replayed
from kafka_worker.letters.reading import Fetched, Found, LetterReader, TopicReader, in_chunks
from kafka_worker.letters.sending import ANY_PARTITION, Outgoing, Sender
from kafka_worker.letters.source import message_in
from kafka_worker.metrics import LETTERS_DISCARDED, LETTERS_REPLAYED

logger = logging.getLogger(__name__)

#: A message that came back so often is replayed only by force: its cause is not mended.
MAX_REPLAYS = 3
_DISCARDED_AT_ONCE = 500
_LEFT = "it was not reached: the topic stopped taking anything, or the letter has gone meanwhile"
_MISSING = "the letter is without its message, and that is no longer on its topic"


@dataclass
class Outcome:
    """What became of letters.

    Attributes:
        done: those that were replayed or discarded.
        failed: the others, each with the reason.
    """

    done: list[Letter] = field(default_factory=list)
    failed: list[tuple[Letter, str]] = field(default_factory=list)

    def __len__(self) -> int:
        """How many letters it tells of."""
        return len(self.done) + len(self.failed)


Progress = Callable[[Outcome], None]


class LetterBox:
    """The dead letters of one handler.

    Handlers of one topic share its dead letters, and what is replayed reaches all of them.

    Attributes:
        handler: the handler's registered name.
        topic: the topic whose messages these are.
        name: the dead-letter topic.
    """

    def __init__(self, handler: type[Handler], config: WorkerConfig, seconds: float) -> None:
        """Make one; nothing is contacted.

        Args:
            handler: a registered handler.
            config: where the brokers are.
            seconds: how long finding the letters may take.
        """
        self.handler = handler.name
        self.topic = handler.topic
        self._config = config
        self._reader = LetterReader(config, handler.topic, seconds)
        self._sender = Sender(config)
        self.name = self._reader.name

    def find(self) -> Found:
        """Every letter, the oldest first.

        Raises:
            Unavailable: the broker does not answer, or not to the end in time.
            ConfigurationError: the broker refuses.
        """
        return self._reader.find()

    def open(self, letter: Letter) -> tuple[Letter, Content | None] | None:
        """A letter with all of its error, and its message; None when it has gone meanwhile.

        The message is None when the letter is without it, and its topic no longer has it.

        Raises:
            Unavailable: the broker does not answer.
            ConfigurationError: the broker refuses.
        """
        for _, raw in self._reader.fetch([letter]):
            return letter_in(raw) or letter, message_in(letter, raw, self._config)
        return None

    def replay(
        self, letters: Sequence[Letter], *, force: bool = False, progress: Progress | None = None
    ) -> Outcome:
        """Put messages back on their topic, then discard their letters.

        Each message is acknowledged before its letter goes: a crash in between leaves the letter,
        and the message comes twice. Messages go to the partition they came from.

        Args:
            letters: as ``find`` has given them.
            force: also those that came back ``MAX_REPLAYS`` times already.
            progress: called now and then.

        Raises:
            Unavailable: the broker does not answer; nothing was replayed.
            ConfigurationError: the topic is not there, or the broker refuses.
        """
        partitions = self._partitions()
        refused = [(letter, refusal(letter, force=force)) for letter in letters]
        outcome = Outcome(failed=[(letter, why) for letter, why in refused if why])
        allowed = [letter for letter, why in refused if not why]
        try:
            for chunk in in_chunks(self._reader.fetch(allowed)):
                whys = self._put_back(chunk, partitions)
                if not self._bury([letter for letter, _ in chunk], whys, outcome, progress):
                    break
        except Unavailable as outage:
            logger.warning("%s: replaying ended early: %s", self.handler, outage)
        _note_the_rest(allowed, outcome)
        LETTERS_REPLAYED.labels(self.handler).inc(len(outcome.done))
        logger.info("%s: %d dead letters replayed", self.handler, len(outcome.done))
        return outcome

    def discard(self, letters: Sequence[Letter], *, progress: Progress | None = None) -> Outcome:
        """Throw letters away.

        Args:
            letters: as ``find`` has given them.
            progress: called now and then.
        """
        outcome = Outcome()
        for start in range(0, len(letters), _DISCARDED_AT_ONCE):
            chunk = letters[start : start + _DISCARDED_AT_ONCE]
            if not self._bury(chunk, [""] * len(chunk), outcome, progress):
                break
        _note_the_rest(letters, outcome)
        LETTERS_DISCARDED.labels(self.handler).inc(len(outcome.done))
        logger.info("%s: %d dead letters discarded", self.handler, len(outcome.done))
        return outcome

    def _partitions(self) -> frozenset[int]:
        partitions = TopicReader(self._config, self.topic).partitions()
        if not partitions:
            raise ConfigurationError(f"Topic {self.topic} is not there; nothing can be replayed")
        return partitions

    def _put_back(self, chunk: Sequence[Fetched], partitions: frozenset[int]) -> list[str]:
        """Send messages to their topic; for each, why it is not there, empty when it is."""
        contents = [message_in(letter, raw, self._config) for letter, raw in chunk]
        letters = [letter for letter, _ in chunk]
        fates = iter(
            self._sender.send(
                [
                    self._record(letter, content, partitions)
                    for letter, content in zip(letters, contents, strict=True)
                    if content is not None
                ]
            )
        )
        return [_MISSING if each is None else _not_sent(next(fates)) for each in contents]

    def _record(self, letter: Letter, content: Content, partitions: frozenset[int]) -> Outgoing:
        return Outgoing(
            self.topic,
            content.key,
            content.value,
            replayed(content, letter.replays + 1),
            letter.partition if letter.partition in partitions else ANY_PARTITION,
        )

    def _bury(
        self,
        letters: Sequence[Letter],
        whys: Sequence[str],
        outcome: Outcome,
        progress: Progress | None,
    ) -> bool:
        """Discard those letters with which nothing went wrong; whether there were any."""
        before = len(outcome.done)
        stones = [
            (letter, Outgoing(self.name, letter.id.encode(), None, partition=partition))
            for letter, why in zip(letters, whys, strict=True)
            if not why
            for partition, _ in letter.places
        ]
        fates = self._sender.send([stone for _, stone in stones])
        kept = {
            letter.id: f"its letter may still be there: {error.str()}"
            for (letter, _), error in zip(stones, fates, strict=True)
            if error is not None
        }
        for letter, why in zip(letters, whys, strict=True):
            if trouble := why or kept.get(letter.id, ""):
                outcome.failed.append((letter, trouble))
            else:
                outcome.done.append(letter)
        if progress is not None:
            progress(outcome)
        return len(outcome.done) > before


def box_of(name: str, seconds: float) -> LetterBox:
    """The dead letters of the handler with this name; of the only one without a name.

    Args:
        name: a registered name, or nothing.
        seconds: how long finding the letters may take.

    Raises:
        HandlerNotFound: no handler has this name.
        ConfigurationError: several handlers are registered and none was named, or no broker is.
    """
    names = registry.names()
    if not name and len(names) != 1:
        raise ConfigurationError(f"Say whose dead letters: --handler {' or '.join(names)}")
    return LetterBox(registry.get(name or names[0]), WorkerConfig.from_settings(), seconds)


def refusal(letter: Letter, *, force: bool = False) -> str:
    """Why a letter is not replayed without force; empty when it is."""
    if force or letter.replays < MAX_REPLAYS:
        return ""
    return f"it came back {letter.replays} times already; mend the cause, or force it"


def _not_sent(error: KafkaError | None) -> str:
    return f"not acknowledged: {error.str()}" if error is not None else ""


def _note_the_rest(letters: Iterable[Letter], outcome: Outcome) -> None:
    known = {letter.id for letter in outcome.done}
    known |= {letter.id for letter, _ in outcome.failed}
    outcome.failed += [(letter, _LEFT) for letter in letters if letter.id not in known]
