"""Workers in processes of their own (`worker_process.py`), and what their handler has done."""

import subprocess
import sys
from pathlib import Path

from tests.kafka_worker.helpers import committed, produce
from tests.services import KafkaBroker


class Process:
    """A worker in a process of its own."""

    def __init__(self, kafka: KafkaBroker, folder: Path) -> None:
        self.servers = kafka.bootstrap_servers
        self.topic = kafka.topic(partitions=1)
        self.group = kafka.group()
        self.folder = folder
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.kafka_worker.worker_process", self.topic]
        command += [self.group, str(self.folder), "--servers", self.servers, *options]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._started.append(process)
        return process

    def produce(self, *values: bytes) -> None:
        produce(self.servers, self.topic, values)

    def begun(self, offset: int) -> bool:
        return (self.folder / f"begun-{offset}").exists()

    @property
    def handled(self) -> list[int]:
        file = self.folder / "handled"
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    def committed(self) -> int:
        return committed(self.servers, self.topic, self.group)

    def clean_up(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()
