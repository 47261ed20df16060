"""Sends thousands of made-up requests to a daemon, from its own OpenAPI document, and checks every answer.

Usage: python -m tests.fuzz.api [requests per operation [seconds [seed]]]. All checks that schemathesis has are on. The
daemon, its database and its library are made for the run, with something of everything in them, and removed after it;
nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs

from qisd.access.levels import Flag
from tests.integration.live import Daemon
from tests.integration.postgres import REPOSITORY

PASSWORD = "slow-moving-glacier"
FUZZER = "fuzzer"

PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")
"""A picture as a file."""

# What is right to answer to made-up entity tags, and to passwords that are tried again and again.
_FINE_THOUGH_VALID = ["2xx", "3xx", "401", "403", "404", "409", "412", "415", "429"]
_FINE_FOR_INVALID = ["400", "401", "403", "404", "405", "409", "412", "413", "414", "415", "429"]

ALL_PHASES = "examples,coverage,fuzzing,stateful"

SETTINGS = {
    "INTERNAL_BROWSING_SSL": "false",
    "ADMIN_PASSWORD": PASSWORD,
    "LOGIN_RATE": "5",
    "MIN_FREE_SPACE_MB": "0",
}
"""Of the daemon."""


@attrs.frozen(kw_only=True)
class Outcome:
    """How a run went.

    :param text: what schemathesis says.
    :param answers: by operation and status.
    :param operations: those of the document.
    """

    passed: bool
    text: str
    answers: Mapping[str, Mapping[str, int]]
    operations: Sequence[str]

    @property
    def requests(self) -> int:
        """How many were answered."""
        return sum(sum(statuses.values()) for statuses in self.answers.values())

    def never_done(self) -> list[str]:
        """The operations that have never succeeded, with the statuses of their answers."""
        found = []
        for one in self.operations:
            statuses = self.answers.get(one, {})
            if not any(status[0] in "23" for status in statuses):
                found.append(f"{one} ({', '.join(f'{count} × {status}' for status, count in statuses.items())})")
        return found


class Api:
    """A client of the API."""

    def __init__(self, base: str, name: str, password: str) -> None:
        self._base = base
        self._name, self._password = name, password
        self.token = ""
        self.token = self.ask("POST", "/token/")["token"]

    def another(self) -> Api:
        """The same with a token of its own."""
        return Api(self._base, self._name, self._password)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The data of an answer, which must be good."""
        credentials = f"{self.token}:" if self.token else f"{self._name}:{self._password}"
        request = urllib.request.Request(
            self._base + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": "Basic " + base64.b64encode(credentials.encode()).decode(),
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]


def prepare(daemon: Daemon) -> Api:
    """Something of everything, and someone who may do everything with it."""
    daemon.sql("update users set password_state = 0, allow_api = true")
    base = f"http://127.0.0.1:{daemon.port}/api/v1"
    admin = Api(base, "admin", PASSWORD)
    people = [_person(admin, name) for name in (FUZZER, "maria", "tom", "ann", "pat")]
    admin.ask("POST", "/admin/groups/3/members/", {"user_id": people[0]})
    fuzzer = Api(base, FUZZER, PASSWORD)
    flags = {f"access_{flag}": False for flag in Flag}
    for number, name in enumerate(("Press", "Designers", "Sales")):
        group = {"name": name, "description": f"{name} people", "group_type": 2, **flags}
        made = fuzzer.ask("POST", "/admin/groups/", {**group, "access_reports": bool(number % 2)})
        for person in people[1:]:
            fuzzer.ask("POST", f"/admin/groups/{made['id']}/members/", {"user_id": person})
    _library(fuzzer)
    return fuzzer


def _person(api: Api, name: str) -> int:
    made = api.ask(
        "POST",
        "/admin/users/",
        {
            "first_name": name.title(),
            "last_name": "",
            "email": f"{name}@example.com",
            "username": name,
            "password": PASSWORD,
            "auth_type": 1,
            "allow_api": True,
        },
    )
    return int(made["id"])


def _library(api: Api) -> None:
    for src in ("a+b.png", "LOUD.PNG", "it's.png"):
        image = api.ask("GET", f"/details/?src={quote(src)}")
        api.ask("DELETE", f"/admin/filesystem/images/{image['id']}/")
    images = [api.ask("GET", f"/details/?src={quote(src)}") for src in ("tiny.png", "photo.jpg", "chart.png")]
    for path in ("/press", "/press/2026", "/web", "/old"):
        folder = api.ask("POST", "/admin/filesystem/folders/", {"path": path})
        api.ask("POST", "/admin/permissions/", {"folder_id": folder["id"], "group_id": 1, "access": 20})
    for number, name in enumerate(("Spring", "Autumn")):
        form = {"human_id": name.lower(), "name": name, "description": "", "internal_access": 10, "public_access": 10}
        portfolio = api.ask("POST", "/portfolios/", form)
        for image in images[: number + 1]:
            api.ask("POST", f"/portfolios/{portfolio['id']}/images/", {"image_id": image["id"]})
    template = {"name": "Teaser", "description": "", "template": {"width": {"value": 320}}}
    api.ask("POST", "/admin/templates/", template)


def run(daemon: Daemon, api: Api, *, each: int, seconds: int, seed: int = 1, phases: str = ALL_PHASES) -> Outcome:
    """Let schemathesis ask ``daemon``.

    :param each: requests for each operation in the phase that makes them up.
    :param seconds: for all of them together; a run that takes longer has failed.
    """
    with tempfile.TemporaryDirectory(prefix="qisd-fuzz-") as folder:
        count = Path(folder) / "count"
        settings = Path(folder) / "schemathesis.toml"
        base = f"http://127.0.0.1:{daemon.port}/api/v1"
        with urllib.request.urlopen(f"{base}/openapi.json", timeout=60) as answer:
            document = json.load(answer)
        settings.write_text(_configuration(document, each=each, token=api.token, to_be_ended=api.another().token))
        command = [
            str(Path(sys.executable).parent / "st"),
            f"--config-file={settings}",
            "run",
            f"{base}/openapi.json",
            f"--seed={seed}",
            f"--phases={phases}",
            "--no-color",
        ]
        environ = {
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.fuzz.api_hooks",
            "PYTHONPATH": str(REPOSITORY),
            "QISD_FUZZ_API": base,
            "QISD_FUZZ_COUNT": str(count),
        }
        text, status = _bounded(command, environ, folder, seconds=seconds)
        answers = json.loads(count.read_text()) if count.exists() else {}
    problem = "" if status == 0 else f"schemathesis ended with status {status}\n"
    if not daemon.alive:
        problem += "the daemon died\n"
    elif api.ask("GET", "/session/")["user"] is None:
        problem += "the token of the run was ended by the run itself\n"
    if "Traceback" in daemon.log():
        problem += f"the daemon logged an unexpected error:\n{_tracebacks(daemon.log())}\n"
    return Outcome(passed=not problem, text=f"{text}\n{problem}", answers=answers, operations=_operations(document))


def _bounded(command: list[str], environ: Mapping[str, str], folder: str, *, seconds: int) -> tuple[str, int]:
    """Output and status of a process that is ended when its time is over."""
    process = subprocess.Popen(
        command, env=environ, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return output.decode("utf-8", "replace") + "\ngiven up: it took too long", 1
    return output.decode("utf-8", "replace"), process.returncode


def _tracebacks(log: str) -> str:
    found = re.findall(r"(?:.*\n){3}.*Traceback(?:\n.*){40}", log)
    return "\n".join(found[:3])


def _configuration(document: Mapping[str, Any], *, each: int, token: str, to_be_ended: str) -> str:
    """Settings of schemathesis.

    :param to_be_ended: the token for the operation that ends the token it is called with.
    """
    lines = [
        "continue-on-failure = true",
        'suppress-health-check = ["all"]',
        "request-timeout = 40",
        "warnings = false",
        "[auth.openapi]",
        f'bearer = {{ bearer = "{token}" }}',
        "[generation]",
        f"max-examples = {each}",
        # The document does not say so for every single text: NUL is refused everywhere, see tests/web/api/test_reading.
        "allow-x00 = false",
        'database = "none"',
        "[checks]",
        "enabled = true",
        f"positive_data_acceptance = {{ expected-statuses = {json.dumps(_FINE_THOUGH_VALID)} }}",
        f"negative_data_rejection = {{ expected-statuses = {json.dumps(_FINE_FOR_INVALID)} }}",
        f"missing_required_header = {{ expected-statuses = {json.dumps(_FINE_FOR_INVALID)} }}",
    ]
    lines += [
        "[[operations]]",
        'include-operation-id = "delete_token"',
        f'headers = {{ Authorization = "Bearer {to_be_ended}" }}',
    ]
    for operation in _that_refuse(document):
        lines += [
            "[[operations]]",
            f"include-operation-id = {json.dumps(operation)}",
            "checks.positive_data_acceptance.expected-statuses = " + json.dumps([*_FINE_THOUGH_VALID, "400", "413"]),
        ]
    return "\n".join(lines) + "\n"


def _that_refuse(document: Mapping[str, Any]) -> Iterator[str]:
    """The operations that the document says may refuse what is valid, or that take JSON texts: any text is made up."""
    for methods in document["paths"].values():
        for operation in methods.values():
            refusal = operation["responses"].get("400", {})
            refuses = refusal.get("$ref", "").endswith("/Refused") or "anyOf" in str(refusal)
            takes_json_text = any("contentMediaType" in str(_resolved(document, body)) for body in _bodies(operation))
            if refuses or takes_json_text:
                yield operation["operationId"]


def _operations(document: Mapping[str, Any]) -> list[str]:
    return [f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods]


def _bodies(operation: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = operation.get("requestBody", {}).get("content", {})
    return [described["schema"] for described in content.values()]


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = document["components"]["schemas"][name] if name else schema
    return found


def main() -> int:
    arguments = argparse.ArgumentParser(description="Fuzz the API by its OpenAPI document.")
    arguments.add_argument("each", nargs="?", type=int, default=200, help="requests per operation (200)")
    arguments.add_argument("seconds", nargs="?", type=int, default=2400, help="for all of them (2400)")
    arguments.add_argument("seed", nargs="?", type=int, default=1)
    arguments.add_argument("--least", type=int, default=0, help="fail when fewer requests than this were made up")
    given = arguments.parse_args()
    daemon = Daemon(**SETTINGS)
    try:
        outcome = run(daemon, prepare(daemon), each=given.each, seconds=given.seconds, seed=given.seed)
    finally:
        daemon.stop()
    print(outcome.text)
    print("never done:", *outcome.never_done() or ["nothing"], sep="\n    ")
    print(f"{outcome.requests} requests, {'all answered as they must be' if outcome.passed else 'with failures'}")
    if outcome.requests < given.least:
        print(f"there must be {given.least} at least")
    return 0 if outcome.passed and outcome.requests >= given.least else 1


if __name__ == "__main__":
    sys.exit(main())
