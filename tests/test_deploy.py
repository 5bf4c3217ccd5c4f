"""deploy/: the files are valid and agree with one another, and their commands run, as processes of this machine."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
import requests
import yaml

from lookalike.cli import cli
from lookalike.service.guard import OPEN
from postgres_server import PostgresServer
from samples import folder_of

DEPLOY = Path(__file__).parents[1] / "deploy"
URL = "postgresql://lookalike@postgres/lookalike?gallery=photos"
KUBERNETES = "1.36"
TOKEN = "chosen"
PATIENCE = 90.0  # seconds


def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))


def manifests() -> list[dict[str, Any]]:
    """All documents, in the order of kustomization.yaml, which is the first."""
    first = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text("utf-8"))
    texts = [(DEPLOY / "kubernetes" / name).read_text("utf-8") for name in first["resources"]]
    return [first, *(document for text in texts for document in yaml.safe_load_all(text))]


def of_kind(kind: str, name: str) -> Any:
    return next(one for one in manifests() if one["kind"] == kind and one["metadata"]["name"] == name)


def container(kind: str, name: str) -> dict[str, Any]:
    spec = of_kind(kind, name)["spec"]
    spec = spec["jobTemplate"]["spec"] if kind == "CronJob" else spec
    (found,) = spec["template"]["spec"]["containers"]
    return found


def commands() -> list[list[str]]:
    """Every command of ours that a container begins with."""
    services = compose()["services"]
    return [
        *(services[name]["command"] for name in ("index", "lookalike")),
        container("CronJob", "index")["command"],
        container("Deployment", "lookalike")["command"],
    ]


@pytest.mark.parametrize("command", commands(), ids=lambda command: command[1])
def test_every_command_is_one_of_ours(command: list[str]) -> None:
    """Its verb is there, and takes these options."""
    assert command[0] == "lookalike"
    verb = cli.get_command(click.Context(cli), command[1])
    assert verb is not None
    verb.make_context(command[1], list(command[2:]))
    assert URL in command


def test_compose_and_kubernetes_say_the_same() -> None:
    """The same commands, the same database and extension, the same probe of a service that is ready."""
    services = compose()["services"]
    assert commands()[:2] == commands()[2:]
    assert services["postgres"]["image"] == container("StatefulSet", "postgres")["image"]
    assert services["postgres"]["command"] == container("StatefulSet", "postgres")["args"]
    service = container("Deployment", "lookalike")
    probes = {name: service[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert {probe["path"] for probe in probes.values()} == set(OPEN)
    assert probes["readinessProbe"]["path"] in services["lookalike"]["healthcheck"]["test"][-1]
    assert probes["livenessProbe"]["path"] == "/healthz"  # a database that is away is no reason to begin anew


def test_what_compose_names_is_there() -> None:
    """Who is waited for has a health check, volumes are declared, images have versions or are built here."""
    whole = compose()
    for service in whole["services"].values():
        for name, wait in service.get("depends_on", {}).items():
            assert wait["condition"] != "service_healthy" or "healthcheck" in whole["services"][name]
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source.startswith("$") or source in whole["volumes"]
        assert "build" in service or re.search(r":.*\d", service["image"])
        if "build" in service:
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()


def test_what_kubernetes_names_is_there() -> None:
    """Selectors find their pods, claims, secrets and their keys exist, and files that nobody lists do not."""
    documents = manifests()
    assert {file.name for file in (DEPLOY / "kubernetes").iterdir()} == {
        *documents[0]["resources"],
        "kustomization.yaml",
    }
    secret, labels = of_kind("Secret", "lookalike")["stringData"], set()
    for kind, name in (("StatefulSet", "postgres"), ("Deployment", "lookalike"), ("CronJob", "index")):
        found = container(kind, name)
        keys = [one["valueFrom"]["secretKeyRef"] for one in found["env"] if "valueFrom" in one]
        assert all(one["name"] == "lookalike" and one["key"] in secret for one in keys)
        if kind != "CronJob":
            spec = of_kind(kind, name)["spec"]
            assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
            labels.add(spec["selector"]["matchLabels"]["app"])
    selectors = [one["spec"]["selector"] for one in documents if one["kind"] == "Service"]
    assert {one["app"] for one in selectors} == labels


@pytest.mark.full
def test_kubernetes_would_take_them() -> None:
    """Against the schemas of its API, strictly: no field that there is not."""
    validator = pytest.importorskip("kubernetes_validate", reason="of the dependency group `servers`")
    for document in manifests()[1:]:
        validator.validate(document, KUBERNETES, strict=True)


@contextmanager
def running(command: list[str], where: dict[str, str], port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A container's command as a process: with the database, the photographs and the port of this test."""
    with log.open("wb") as file:
        process = subprocess.Popen(adapted(command, where, port), stdout=file, stderr=file, env=environment())
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def adapted(command: list[str], where: dict[str, str], port: int = 0) -> list[str]:
    words = [where.get(word, word).replace(":8000/", f":{port}/") for word in command]
    words = [str(port) if word == "8000" else word for word in words]
    words = [sys.executable if word == "python" else word for word in words]
    return [sys.executable, "-m", *words] if words[0] == "lookalike" else words


def environment() -> dict[str, str]:
    return os.environ | {"LOOKALIKE_TOKEN": TOKEN, "PGPASSWORD": "unused", "OMP_NUM_THREADS": "1"}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def probe(command: list[str], port: int) -> bool:
    """What a container's health check says."""
    return subprocess.run(adapted(command[1:], {}, port), capture_output=True, check=False).returncode == 0


def until(what: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end
        time.sleep(0.2)


def status(port: int, path: str) -> int:
    try:
        return requests.get(f"http://127.0.0.1:{port}{path}", timeout=20).status_code
    except requests.ConnectionError:
        return 0


@pytest.mark.full
def test_two_services_over_one_database(postgres: PostgresServer, tmp_path: Path) -> None:
    """Indexed, served twice, found by both; while the database is away both live and are not ready, then they are."""
    photos = folder_of(tmp_path / "photos", 4)
    where = {URL: postgres.url("deployed"), "/photos": str(photos)}
    index, serve = commands()[2:]
    check = compose()["services"]["lookalike"]["healthcheck"]["test"]
    done = subprocess.run(adapted(index, where), capture_output=True, check=False, env=environment())
    assert done.returncode == 0, done.stderr
    ports = [free_port(), free_port()]
    with (
        running(serve, where, ports[0], tmp_path / "0.log"),
        running(serve, where, ports[1], tmp_path / "1.log"),
    ):
        until(lambda: all(probe(check, port) for port in ports))
        for port in ports:
            assert searched(port, photos / "0001.jpg") == "identical"
            assert status(port, "/v1/gallery") == 401
        folder_of(tmp_path / "photos", 1, first=99)
        subprocess.run(adapted(index, where), capture_output=True, check=True, env=environment())
        assert {searched(port, photos / "0099.jpg") for port in ports} == {"identical"}
        postgres.stop()
        try:
            until(lambda: all(status(port, "/readyz") >= 500 for port in ports))
            assert not any(probe(check, port) for port in ports)
            assert [status(port, "/healthz") for port in ports] == [200, 200]
        finally:
            postgres.start()
        until(lambda: all(probe(check, port) for port in ports))
        assert {searched(port, photos / "0001.jpg") for port in ports} == {"identical"}


@pytest.mark.full
def test_the_way_from_a_folder_to_a_server(postgres: PostgresServer, tmp_path: Path) -> None:
    """The commands of docs/scale.md, one after the other, in a folder with photographs."""
    text = (DEPLOY.parent / "docs" / "scale.md").read_text("utf-8")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    assert len(lines) >= 4
    folder_of(tmp_path / "photos", 4)
    shutil.copy(tmp_path / "photos" / "0002.jpg", tmp_path / "query.jpg")
    printed = []
    for line in lines:
        words = shlex.split(line.replace("postgresql://lookalike@db/lookalike?gallery=photos", postgres.url("moved")))
        done = subprocess.run(adapted(words, {}), capture_output=True, check=False, text=True, cwd=tmp_path)
        assert done.returncode == 0, (line, done.stderr)
        printed.append(done.stdout)
    assert "identical" in printed[2]


def searched(port: int, image: Path) -> str:
    """The relation of the first hit."""
    answer = requests.post(
        f"http://127.0.0.1:{port}/v1/search",
        files={"image": image.read_bytes()},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=PATIENCE,
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["hits"][0]["relation"])
