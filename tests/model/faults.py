"""What can go wrong, and when: each call from the code under test takes the next fault."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum, auto


class Fault(Enum):
    """What happens at one call."""

    NONE = auto()
    #: The part does nothing and says that it is away.
    AWAY = auto()
    #: It does all, or half, of what was asked, and the answer is lost.
    LOST_ANSWER = auto()
    HALF = auto()
    #: The store says that everything was changed by others.
    CONFLICT = auto()
    #: The process dies before, after, or in the middle of the call.
    CRASH_BEFORE = auto()
    CRASH_AFTER = auto()
    CRASH_HALF = auto()
    #: The worker is asked to end.
    STOP = auto()
    #: Before the call, the loop's thread goes round once: it receives, and commits what is done.
    LOOP = auto()
    #: Before the call, another consumer works on what it holds.
    RACE = auto()
    #: Before the call, the partitions go to another consumer, which works on them: cleanly, with
    #: notice that they are lost, or unnoticed. The call then goes on, as a zombie's.
    REVOKED = auto()
    LOST = auto()
    ZOMBIE = auto()


INTERLUDES = {Fault.STOP, Fault.LOOP, Fault.RACE, Fault.REVOKED, Fault.LOST, Fault.ZOMBIE}


class Crash(BaseException):
    """The process is gone: nothing catches this, nothing is done after it."""


class Faults:
    """The faults of the step that is under way."""

    def __init__(self, interlude: Callable[[Fault], None]) -> None:
        self._script: deque[Fault] = deque()
        self._interlude = interlude

    @contextmanager
    def scripted(self, script: Sequence[Fault]) -> Iterator[None]:
        """Have the calls within the block meet these, in order, and then none."""
        before, self._script = self._script, deque(script)
        try:
            yield
        finally:
            self._script = before

    def next(self) -> Fault:
        """The fault of this call; interludes have taken place when it returns.

        Raises:
            Crash: the process dies before the call.
        """
        fault = self._script.popleft() if self._script else Fault.NONE
        if fault is Fault.CRASH_BEFORE:
            raise Crash
        if fault not in INTERLUDES:
            return fault
        with self.scripted([]):
            self._interlude(fault)
        return Fault.NONE
