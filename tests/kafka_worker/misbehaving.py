"""An in-process broker that answers with an error when it is told to: real brokers seldom do."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import cimpl

_PRODUCE = 0


class MisbehavingBroker:
    """librdkafka's in-process broker.

    Attributes:
        address: where clients reach it, ``host:port``.
    """

    def __init__(self) -> None:
        self._library = ctypes.CDLL(cimpl.__file__)
        error = ctypes.create_string_buffer(512)
        settings = self._call("rd_kafka_conf_new", ctypes.c_void_p)
        for name in (b"test.mock.num.brokers", b"log_level"):
            value = b"1" if name.startswith(b"test") else b"0"
            self._call("rd_kafka_conf_set", ctypes.c_int, settings, name, value, error, 512)
        client = self._call("rd_kafka_new", ctypes.c_void_p, 0, settings, error, 512)
        self._cluster = self._call("rd_kafka_handle_mock_cluster", ctypes.c_void_p, client)
        address = self._call("rd_kafka_mock_cluster_bootstraps", ctypes.c_char_p, self._cluster)
        self.address: str = address.decode()
        self._client = client

    def answer_produce_with(self, *codes: int) -> None:
        """Answer the next produce requests with these errors."""
        name, count = "rd_kafka_mock_push_request_errors", ctypes.c_size_t(len(codes))
        self._call(name, None, self._cluster, _PRODUCE, count, *codes)

    def close(self) -> None:
        """End it."""
        self._call("rd_kafka_destroy", None, self._client)

    def _call(self, name: str, result: Any, *arguments: Any) -> Any:
        function = getattr(self._library, name)
        function.restype = result
        return function(*(_pointer(each) for each in arguments))


def _pointer(argument: Any) -> Any:
    # Without a declared type ctypes would cut an address to 32 bits.
    is_address = isinstance(argument, int) and argument > 2**31
    return ctypes.c_void_p(argument) if is_address else argument


@contextmanager
def misbehaving_broker() -> Iterator[MisbehavingBroker]:
    """One for the time of a block."""
    broker = MisbehavingBroker()
    try:
        yield broker
    finally:
        broker.close()
