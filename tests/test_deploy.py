import contextlib
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from deploy.healthcheck import host_header, is_alive
from deploy.services import kafka
from settings.environment import Environment

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
# Backslash continuations joined, so that one instruction is one line.
INSTRUCTIONS = DOCKERFILE.replace("\\\n", " ").splitlines()
OWN = ["web", "issue-consumer", "workflow-consumer", "migrate"]


def run(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, **options
    )


def tool(name: str) -> Path:
    return Path(sys.executable).with_name(name)


# compose.yaml


def test_the_compose_file_follows_the_compose_specification() -> None:
    schema = ["--builtin-schema", "vendor.compose-spec"]
    checked = run(tool("check-jsonschema"), *schema, ROOT / "compose.yaml")
    assert checked.returncode == 0, checked.stdout


def test_there_is_one_service_per_role() -> None:
    assert list(COMPOSE["services"]) == [*OWN, "kafka", "redis", "firestore", "postgres"]


def test_every_foreign_image_is_pinned() -> None:
    images = {service["image"] for service in COMPOSE["services"].values()} - {"issuetracker"}
    assert len(images) == 4
    assert [image for image in images if not re.search(r":\d+\.\d+", image)] == []


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_every_service_is_asked_for_its_health_or_says_why_not(name: str) -> None:
    check = COMPOSE["services"][name].get("healthcheck", {})
    if name == "migrate":
        assert check == {"disable": True}
    elif name in OWN:
        assert check == {}, "the image's own"
        assert any(line.startswith("HEALTHCHECK") for line in INSTRUCTIONS)
        port = COMPOSE["services"][name]["environment"].get("WORKER_PORT")
        assert (port is None) == (name == "web")
    else:
        assert check["test"][0] == "CMD"


def test_what_a_service_waits_for_reports_its_health_or_ends() -> None:
    conditions = COMPOSE["services"]["web"]["depends_on"]
    assert conditions.pop("migrate") == {"condition": "service_completed_successfully"}
    assert set(conditions) == {"kafka", "redis", "firestore", "postgres"}
    assert {each["condition"] for each in conditions.values()} == {"service_healthy"}


@pytest.mark.parametrize("name", OWN)
def test_the_services_environment_has_only_variables_that_the_settings_read(name: str) -> None:
    known = set(Environment.__struct_encode_fields__)
    assert set(COMPOSE["services"][name]["environment"]) <= known


def test_no_secret_stands_in_the_compose_file() -> None:
    environment = COMPOSE["services"]["web"]["environment"]
    password = COMPOSE["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"]
    assert environment["DJANGO_SECRET_KEY"].startswith("${DJANGO_SECRET_KEY:?")
    assert "${POSTGRES_PASSWORD:?" in environment["DATABASE_URL"]
    assert password.startswith("${POSTGRES_PASSWORD:?")
    assert environment["ISSUETRACKER_TOKEN"] == "${ISSUETRACKER_TOKEN:-}"


def test_only_this_machine_reaches_the_published_port() -> None:
    published = [port for each in COMPOSE["services"].values() for port in each.get("ports", [])]
    assert published == ["127.0.0.1:6001:6001"]


@pytest.mark.parametrize("name", ["issue-consumer", "workflow-consumer", "migrate"])
def test_a_services_command_is_one_that_manage_has(name: str) -> None:
    program, script, command, *_ = COMPOSE["services"][name]["command"]
    assert (program, script) == ("python", "manage.py")
    assert command in get_commands()


def test_one_kafka_release_is_named_everywhere() -> None:
    assert f"<kafka.version>{kafka.VERSION}</kafka.version>" in (
        (ROOT / "deploy/services/pom.xml").read_text()
    )
    assert COMPOSE["services"]["kafka"]["image"] == f"apache/kafka:{kafka.VERSION}"


# Dockerfile


def test_the_dockerfile_has_no_findings() -> None:
    checked = run(tool("hadolint"), ROOT / "Dockerfile")
    assert checked.returncode == 0, checked.stdout


def test_the_image_is_built_in_two_stages_on_one_pinned_base() -> None:
    bases = [line.split()[1] for line in INSTRUCTIONS if line.startswith("FROM")]
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.13\.\d+-slim-\w+", bases[0])


def test_the_image_installs_hashed_requirements_and_runs_without_root() -> None:
    installed = next(line for line in INSTRUCTIONS if "pip install" in line)
    users = [line for line in INSTRUCTIONS if line.startswith("USER")]
    assert "--require-hashes" in installed
    assert users == ["USER 10001"]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the image serves from, made of what the Dockerfile copies into it."""
    folder = tmp_path_factory.mktemp("image")
    copies = [line.split()[1:] for line in INSTRUCTIONS if re.match(r"COPY (?!--from)", line)]
    for source, target in copies:
        if source == "requirements.txt":
            continue
        place = folder / target / (Path(source).name if target.endswith("/") else "")
        place.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        copy(ROOT / source, place)
    return folder


def in_image(image: Path, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    path = f"{tool('python').parent}:{os.environ['PATH']}"
    return run("sh", "-c", command, cwd=image, env={"PATH": path, **variables})


def test_what_the_image_copies_is_enough_to_collect_the_admins_files(image: Path) -> None:
    line = next(line for line in INSTRUCTIONS if "collectstatic" in line)
    command = line.removeprefix("RUN").replace("chown issuetracker var &&", "")
    collected = in_image(image, command)
    assert collected.returncode == 0, collected.stderr
    assert (image / "var/static/staticfiles.json").is_file()


def test_what_the_image_copies_is_enough_for_djangos_checks(image: Path) -> None:
    checked = in_image(image, "python manage.py check", DJANGO_DEBUG="1")
    assert checked.returncode == 0, checked.stderr


def test_the_images_command_serves_what_its_health_check_asks_for(image: Path) -> None:
    instruction = next(line for line in INSTRUCTIONS if line.startswith("CMD"))
    # In a container it listens to all; here to this machine alone.
    command = json.loads(instruction.removeprefix("CMD").replace("0.0.0.0", "127.0.0.1"))
    assert "--host 127.0.0.1" in command[-1]
    path = f"{tool('python').parent}:{os.environ['PATH']}"
    variables = {"PATH": path, "PORT": str(unused_port()), "DJANGO_DEBUG": "1"}
    log = image / "web.log"
    with log.open("w") as output:
        web = subprocess.Popen(
            command,
            cwd=image,
            env=variables,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 30
        while not is_alive(variables):
            assert web.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
    finally:
        web.terminate()
        try:
            # As long as an engine waits before it kills.
            ended = web.wait(10)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(web.pid, signal.SIGKILL)
    assert ended == 0, log.read_text()


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_the_image_is_given_nothing_that_its_ignore_file_leaves_out() -> None:
    kept = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {line.split()[1] for line in INSTRUCTIONS if re.match(r"COPY (?!--from)", line)}
    assert kept == copied


# deploy/healthcheck.py


@contextmanager
def server_that_says(status: int) -> Iterator[tuple[int, list[str]]]:
    """A web server with one answer, and the Host headers that it was sent."""
    hosts: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hosts.append(f"{self.path} {self.headers['Host']}")
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_port, hosts
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("status", "alive"), [(200, True), (503, False), (404, False)])
def test_only_200_counts_as_alive(status: int, alive: bool) -> None:
    with server_that_says(status) as (port, hosts):
        assert is_alive({"PORT": str(port), "DJANGO_ALLOWED_HOSTS": "issues.example"}) is alive
    assert hosts == ["/livez issues.example"]


def test_a_consumers_own_port_is_asked_where_it_has_one() -> None:
    with server_that_says(200) as (port, _), server_that_says(503) as (web, hosts):
        assert is_alive({"WORKER_PORT": str(port), "PORT": str(web)}) is True
        assert is_alive({"WORKER_PORT": "", "PORT": str(web)}) is False
    assert len(hosts) == 1


def test_a_server_that_is_gone_is_not_alive() -> None:
    with server_that_says(200) as (port, _):
        pass
    assert is_alive({"PORT": str(port)}) is False


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        ("", "localhost"),
        ("*", "localhost"),
        ("issues.example, other.example", "issues.example"),
        ("*,.issues.example", "issues.example"),
    ],
)
def test_the_health_check_asks_for_a_host_that_the_server_takes(allowed: str, host: str) -> None:
    assert host_header({"DJANGO_ALLOWED_HOSTS": allowed}) == host


# Makefile and .ci/run


def test_make_alone_explains_every_target() -> None:
    shown = run("make", cwd=ROOT)
    explained = re.findall(r"^ {4}([a-z-]+) ", shown.stdout, flags=re.MULTILINE)
    phony = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert shown.returncode == 0, shown.stderr
    assert sorted(explained) == sorted(" ".join(phony).split())


def test_another_python_gets_an_environment_of_its_own() -> None:
    planned = run("make", "-n", "test", f"PYTHON={sys.executable}", cwd=ROOT)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f".venv-{version}/bin/python -m pytest" in planned.stdout


def test_a_python_that_only_looks_like_one_is_passed_over(tmp_path: Path) -> None:
    for name, script in {
        "python3.11": "exit 127",
        "python3.12": f'exec "{sys.executable}" "$@"',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/bin", "PYENV_ROOT": str(tmp_path), "HOME": str(tmp_path)}
    found = run("/bin/sh", ROOT / "deploy/find-python.sh", env=environment)
    assert found.stdout == "python3.12\n"


def test_no_usable_python_is_said(tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path), "PYENV_ROOT": str(tmp_path), "HOME": str(tmp_path)}
    found = run("/bin/sh", ROOT / "deploy/find-python.sh", env=environment)
    assert found.returncode == 1
    assert "No usable Python 3.11, 3.12 or 3.13" in found.stderr


def test_the_script_of_ci_can_be_run_and_parsed() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    parsed = run("bash", "-n", script)
    assert parsed.returncode == 0, parsed.stderr
