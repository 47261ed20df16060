"""``deploy/aws``: what a machine makes of its user data at its start, with stand-ins for what it calls."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml
from twisted.trial.unittest import SynchronousTestCase

from qisd.settings import load_settings, sizing
from qisd.settings.sizing import Machine
from tests.test_deploy import DEPLOY

AWS = DEPLOY / "aws"
SCRIPT = AWS / "files" / "qis-instance"

AMAZON = r"""#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
*"--secret-id key "*) echo kF3xQ9sWz2Lb7Tn0YpUe5RcVm8HgJ4Da ;;
*"--secret-id admin "*) echo 'A"dm\in1234' ;;
*"--secret-id database "*) echo Secret99 ;;
*describe-cache-clusters*) printf 'c.0001.cache.example.com\t11211\nc.0002.cache.example.com\t11211\n' ;;
*get-parameter*) printf 'IMAGE_RESIZE_QUALITY = 2\nLOG_LEVEL = {render = "debug"}\n' ;;
*) exit 1 ;;
esac
"""
NOTED = '#!/bin/sh\necho "$(basename "$0") $*" >>"$CALLS"\n'

WEB_SERVER = """
ROLE=web-server
REGION=eu-west-1
HOST_NAME=images.example.com
LIBRARY=fs-0123
DATABASE=db.example.com:5432/qis
CACHE=c
SECRET_KEY=key
ADMIN_PASSWORD=admin
DATABASE_PASSWORD=database
SETTINGS=qis/settings
NETWORK=10.20.0.0/16
"""


def template(name: str) -> Any:
    """A template, with each of CloudFormation's functions as a pair of its name and its argument."""

    class Loader(yaml.SafeLoader):
        pass

    def function(loader: Loader, tag: str, node: yaml.Node) -> tuple[str, Any]:
        if isinstance(node, yaml.ScalarNode):
            return tag, loader.construct_scalar(node)
        return tag, loader.construct_sequence(node, deep=True)

    Loader.add_multi_constructor("!", function)
    return yaml.load((AWS / name).read_text(), Loader)


class InstanceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        programs = self.folder / "bin"
        programs.mkdir(parents=True)
        for name in ("mount", "chown", "qis"):
            self.program(name, NOTED)
        self.program("aws", AMAZON)
        self.program("mountpoint", "#!/bin/sh\nexit 1\n")
        self.configuration = self.folder / "qis-instance"
        self.settings = self.folder / "local_settings.toml"
        self.marker = self.folder / "run" / "web-server"
        self.calls = self.folder / "calls"
        self.calls.touch()

    def program(self, name: str, text: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def begin(self) -> list[str]:
        """What the script called besides."""
        environment = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "CALLS": str(self.calls),
            "INSTANCE_CONFIGURATION": str(self.configuration),
            "INSTANCE_SETTINGS": str(self.settings),
            "INSTANCE_LIBRARY": str(self.folder / "images"),
            "INSTANCE_KNOWN": str(self.folder / "known"),
            "INSTANCE_MARKER": str(self.marker),
            "INSTANCE_PAUSE": "0",
            "INSTANCE_TRIES": "2",
        }
        self.calls.write_text("")
        self.ran = subprocess.run(["sh", SCRIPT, "begin"], env=environment, capture_output=True, text=True, check=False)
        return self.calls.read_text().splitlines()

    def test_without_user_data_it_is_a_full_server_and_only_computes_its_sizes(self) -> None:
        calls = [call for call in self.begin() if not call.startswith("chown")]
        self.assertEqual((self.ran.returncode, calls), (0, ["qis tune --apply --yes"]))
        self.assertFalse(self.marker.exists())
        self.assertFalse(self.settings.exists())

    def test_sizes_are_computed_anew_only_for_another_machine(self) -> None:
        self.begin()
        self.assertNotIn("qis tune --apply --yes", self.begin())
        (self.folder / "known" / "machine").write_text("96 processors, 393216 MiB\n")
        self.assertIn("qis tune --apply --yes", self.begin())

    def test_a_web_server_gets_settings_that_the_server_takes(self) -> None:
        self.configuration.write_text(WEB_SERVER)
        calls = self.begin()
        self.assertEqual((self.ran.returncode, self.ran.stderr), (0, ""))
        settings = load_settings(self.settings, {}).settings
        self.assertEqual(settings.public_host_name, "images.example.com")
        self.assertEqual(
            settings.mgmt_database_connection, "postgresql://qis:Secret99@db.example.com:5432/qis?sslmode=require"
        )
        self.assertEqual(
            settings.memcached_servers, ("c.0001.cache.example.com:11211", "c.0002.cache.example.com:11211")
        )
        self.assertEqual((settings.admin_password, settings.image_resize_quality), ('A"dm\\in1234', 2))
        self.assertEqual((sizing.served(settings), settings.s3_bucket), (("http",), ""))
        self.assertEqual(self.settings.stat().st_mode & 0o777, 0o640)
        self.assertTrue(self.marker.exists())
        [mounted] = [call for call in calls if call.startswith("mount ")]
        self.assertIn(" fs-0123.efs.eu-west-1.amazonaws.com:/ ", mounted)
        self.assertEqual(calls[-1], "qis tune --apply --yes")

    def test_a_web_server_has_its_library_in_a_bucket_if_there_is_one(self) -> None:
        self.configuration.write_text(f"{WEB_SERVER.replace('LIBRARY=fs-0123', 'LIBRARY=')}BUCKET=pictures\n")
        calls = self.begin()
        settings = load_settings(self.settings, {}).settings
        self.assertEqual((settings.s3_bucket, settings.s3_region), ("pictures", "eu-west-1"))
        self.assertEqual([call for call in calls if call.startswith("mount ")], [])

    def test_where_a_secret_cant_be_had_the_server_keeps_the_settings_that_it_had(self) -> None:
        self.configuration.write_text(WEB_SERVER.replace("=database\n", "=nowhere\n"))
        self.settings.write_text("# before\n")
        self.begin()
        self.assertNotEqual(self.ran.returncode, 0)
        self.assertEqual(self.settings.read_text(), "# before\n")

    def test_an_unknown_role_is_told(self) -> None:
        self.configuration.write_text("ROLE=database\n")
        self.begin()
        self.assertEqual((self.ran.returncode, self.ran.stderr.strip()[-8:]), (2, "database"))


class TemplateTests(SynchronousTestCase):
    def test_user_data_gives_what_the_machine_understands(self) -> None:
        names = set(re.findall(r"\b([A-Z_]+)=(?:''|full-server)", SCRIPT.read_text()))
        for path, resource, place in (
            ("single.yaml", "Server", ()),
            ("cluster.yaml", "Launch", ("LaunchTemplateData",)),
        ):
            properties = template(path)["Resources"][resource]["Properties"]
            for part in place:
                properties = properties[part]
            _, text = properties["UserData"]["Fn::Base64"]
            text = text if isinstance(text, str) else text[0]
            [file] = yaml.safe_load(text)["write_files"]
            given = {line.partition("=")[0] for line in file["content"].splitlines()}
            self.assertEqual(file["path"], "/etc/default/qis-instance")
            self.assertGreater(len(given), 4)
            self.assertEqual(given - names, set(), path)

    def test_the_one_server_is_open_for_http_and_https_to_all_and_for_ssh_to_some(self) -> None:
        rules = template("single.yaml")["Resources"]["Group"]["Properties"]["SecurityGroupIngress"]
        found = {rule["FromPort"]: rule["CidrIp"] for rule in rules}
        self.assertEqual(found, {22: ("Ref", "SshFrom"), 80: "0.0.0.0/0", 443: "0.0.0.0/0"})

    def test_of_several_servers_only_the_balancer_is_open_to_all(self) -> None:
        resources = template("cluster.yaml")["Resources"]
        groups = {name: one for name, one in resources.items() if one["Type"] == "AWS::EC2::SecurityGroup"}
        self.assertEqual(len(groups), 5)
        for name, group in groups.items():
            rules = [rule for rule in group["Properties"]["SecurityGroupIngress"] if isinstance(rule, dict)]
            opened = [rule["FromPort"] for rule in rules if rule.get("CidrIp") == "0.0.0.0/0"]
            self.assertEqual(opened, [80, 443] if name == "BalancerGroup" else [], name)

    def test_the_balancer_asks_whether_a_server_is_ready_and_closes_connections_first(self) -> None:
        resources = template("cluster.yaml")["Resources"]
        self.assertEqual(resources["Target"]["Properties"]["HealthCheckPath"], "/ready")
        attributes = {one["Key"]: one["Value"] for one in resources["Balancer"]["Properties"]["LoadBalancerAttributes"]}
        [kept] = re.findall(r"^KEEP_ALIVE_TIMEOUT = ([0-9]+)$", SCRIPT.read_text(), re.MULTILINE)
        self.assertGreater(int(kept), int(attributes["idle_timeout.timeout_seconds"]))


class SizesTests(SynchronousTestCase):
    def test_the_table_of_sizes_says_what_qis_tune_computes(self) -> None:
        text = (DEPLOY.parent / "docs" / "aws.md").read_text()
        number = r"(\d+)"
        row = rf"^\| `[a-z0-9.]+` \| {number} \| {number} \| {number} \+ {number} \| {number} \| {number} \|"
        rows = re.findall(row, text, re.MULTILINE)
        self.assertGreaterEqual(len(rows), 5)
        settings = load_settings(None, {"QIS_MEMCACHED_SERVERS": "127.0.0.1:11211"}).settings
        for processors, memory, http, https, render, memcached in (map(int, row) for row in rows):
            machine = Machine(processors=processors, memory_mb=memory * 1024, postgres_here=True, memcached_here=True)
            made = sizing.plan(settings, machine)
            found = sizing.by_setting(settings, made)
            self.assertEqual(
                (http, https, render, memcached),
                (found["HTTP_PROCESSES"], found["HTTPS_PROCESSES"], made.render_mb, made.memcached_mb),
                (processors, memory),
            )
