from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kafka_worker.processes import Process
from tests.services import KafkaBroker


@pytest.fixture
def process(kafka: KafkaBroker, tmp_path: Path) -> Iterator[Process]:
    made = Process(kafka, tmp_path)
    yield made
    made.clean_up()
