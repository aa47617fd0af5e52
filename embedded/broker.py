"""The embedded Kafka broker: the one inside librdkafka, which other processes can reach.

It speaks Kafka's protocol and keeps its log in memory: 5 MiB a partition, and nothing after the
process ends.
"""

import ctypes
from typing import Any

from confluent_kafka import KafkaException, Producer, cimpl

from embedded.child import announce, wait_for_end

# Long enough for one consumer's threads to join together, and far below the broker's own 3 s.
_FIRST_JOIN_MS = 100


class Broker:
    """A broker that lives as long as this object.

    Attributes:
        address: where clients reach it, ``host:port``.
    """

    def __init__(self) -> None:
        try:
            self.address = self._start_by_library()
        except AttributeError:
            # A build of librdkafka that hides its functions: the same broker, slower to join.
            self.address = self._start_by_client()

    def _start_by_library(self) -> str:
        library = _library()
        error = ctypes.create_string_buffer(512)
        settings = library.rd_kafka_conf_new()
        for name, value in ((b"test.mock.num.brokers", b"1"), (b"log_level", b"0")):
            library.rd_kafka_conf_set(settings, name, value, error, len(error))
        client = library.rd_kafka_new(_PRODUCER, settings, error, len(error))
        cluster = library.rd_kafka_handle_mock_cluster(client)
        if not cluster:
            raise KafkaException(f"librdkafka started no broker: {error.value.decode()}")
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, _FIRST_JOIN_MS)
        return str(library.rd_kafka_mock_cluster_bootstraps(cluster).decode())

    def _start_by_client(self) -> str:
        self._client = Producer({"test.mock.num.brokers": 1, "log_level": 0})
        broker = next(iter(self._client.list_topics(timeout=10).brokers.values()))
        return f"{broker.host}:{broker.port}"


_PRODUCER = 0


def _library() -> ctypes.CDLL:
    """Librdkafka as the Kafka client has loaded it; its functions that this module calls.

    Raises:
        AttributeError: one of them is not visible.
    """
    # Looked up through the client's own module, so that it is never a second copy.
    library = ctypes.CDLL(cimpl.__file__)
    pointer, text, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (ctypes.c_int, [pointer, text, text, text, size]),
        "rd_kafka_new": (pointer, [ctypes.c_int, pointer, text, size]),
        "rd_kafka_handle_mock_cluster": (pointer, [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [pointer, ctypes.c_int32]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def main() -> None:
    """Run a broker until this process is told to end."""
    broker = Broker()
    announce(broker.address)
    wait_for_end()


if __name__ == "__main__":
    main()
