"""What is in ``deploy/``: it names settings, images and ports that there are. ``make deploy-check`` does the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from twisted.trial.unittest import SynchronousTestCase

from qisd import __version__
from qisd.settings import default_settings, sizing
from qisd.settings.environment import read_environment
from qisd.settings.model import MODEL
from qisd.settings.sizing import Machine

DEPLOY = Path(__file__).parent.parent / "deploy"
CHART = DEPLOY / "kubernetes" / "qis"
IMAGES = {path.parent.name for path in DEPLOY.glob("docker/*/Dockerfile")}
COMPOSED = (DEPLOY / "docker" / "docker-compose.yml", DEPLOY / "swarm" / "qis-stack.yml")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def interpolated(text: str) -> str:
    """``text`` as compose understands it when no variable is set."""
    return re.sub(r"\$\{[A-Z_]+(?::-([^}]*)|:\?[^}]*)?\}", lambda match: match[1] or "", text)


def keys(values: Mapping[str, Any], schema: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, bool]]:
    """Each key below ``values``, and whether ``schema`` knows it."""
    for name, value in values.items():
        known = schema.get("properties", {})
        yield place + name, name in known
        if isinstance(value, dict) and known.get(name, {}).get("properties"):
            yield from keys(value, known[name], f"{place}{name}.")


class ComposedTests(SynchronousTestCase):
    def test_the_environment_of_the_server_gives_settings_that_there_are(self) -> None:
        for path in COMPOSED:
            environment = read(path)["services"]["qis_as"]["environment"]
            given = {name: interpolated(value) for name, value in environment.items()}
            # The start script leaves out what is empty; a secret is no file here.
            given = {name: text for name, text in given.items() if text and not text.startswith("/run/secrets/")}
            self.assertEqual(read_environment(given).faults, [], path)

    def test_secrets_are_given_to_settings_that_there_are(self) -> None:
        environment = read(DEPLOY / "swarm" / "qis-stack.yml")["services"]["qis_as"]["environment"]
        files = [name for name, text in environment.items() if text.startswith("/run/secrets/qis_")]
        self.assertGreaterEqual(len(files), 4)
        for name in files:
            setting = name.removeprefix("QIS_")
            known = setting in MODEL or setting.removesuffix("_FILE") in MODEL or name == "DB_PASSWORD_FILE"
            self.assertTrue(known, name)

    def test_the_images_are_those_that_are_built_here(self) -> None:
        for path in COMPOSED:
            named = {interpolated(service["image"]) for service in read(path)["services"].values()}
            self.assertEqual(named, {f"{image}:latest" for image in IMAGES}, path)


class ChartTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.values = read(CHART / "values.yaml")
        self.templates = {path.name: path.read_text() for path in (CHART / "templates").iterdir()}

    def test_it_is_of_the_version_that_is_here(self) -> None:
        chart = read(CHART / "Chart.yaml")
        self.assertEqual((chart["version"], chart["appVersion"]), (__version__, __version__))

    def test_the_schema_knows_every_value(self) -> None:
        schema = json.loads((CHART / "values.schema.json").read_text())
        found = dict(keys(self.values, schema))
        self.assertGreater(len(found), 40)
        self.assertEqual([name for name, known in found.items() if not known], [])

    def test_every_value_is_used(self) -> None:
        text = "".join(self.templates.values())
        unused = [
            f"{name}.{inner}" if inner else name
            for name, value in self.values.items()
            for inner in (value if isinstance(value, dict) and name not in ("resources", "settings") else [""])
            if f".Values.{name}" + (f".{inner}" if inner else "") not in text
        ]
        self.assertEqual(unused, [])

    def test_it_gives_settings_that_there_are(self) -> None:
        block = self.templates["_helpers.tpl"].split('define "qis.settings"')[1]
        names = set(re.findall(r"^([A-Z][A-Z_]+):", block, re.MULTILINE))
        variables = re.findall(r"QIS_([A-Z_]+), value", self.templates["server.yaml"])
        names |= {name.removesuffix("_FILE") for name in variables}
        self.assertGreater(len(names), 15)
        self.assertEqual(names - set(MODEL), set())

    def test_the_ports_of_the_pods_are_those_that_the_server_listens_at(self) -> None:
        listening = re.findall(r'_LISTEN: \["\[::\]:([0-9]+)"\]', self.templates["_helpers.tpl"])
        opened = re.findall(r"containerPort: ([0-9]+)", self.templates["server.yaml"])
        self.assertEqual(sorted(listening), sorted(opened))

    def test_the_images_are_those_that_are_built_here(self) -> None:
        named = set(re.findall(r'"name" "(qis-[a-z]+)"', "".join(self.templates.values())))
        self.assertEqual(named, IMAGES)

    def test_memory_is_shared_out_as_qis_tune_would(self) -> None:
        limits = self.values["resources"]["limits"]
        self.assertEqual((limits["cpu"], limits["memory"]), ("2", "3Gi"))
        settings = default_settings()
        machine = Machine(processors=2, memory_mb=3072, postgres_here=False, memcached_here=False)
        wanted = sizing.by_setting(settings, sizing.plan(settings, machine))
        given = (self.values["renderMemoryMB"], self.values["memoryCacheMB"])
        self.assertEqual(given, (wanted["RENDER_MEMORY_MB"], wanted["MEMORY_CACHE_MB"]))
