"""What ``qis check`` finds out with ``--network``, ``--tls``, ``--store`` and ``--database`` where things are amiss."""

from __future__ import annotations

import http.server
import os
import pwd
import socket
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import boto3
from moto import mock_aws

from qisd.cli import probe_library, probe_network
from qisd.cli.health import Report, examine
from qisd.cli.probe_database import probe_database
from qisd.cli.probe_library import probe_library as look_at_library
from qisd.cli.probe_network import near
from qisd.cli.probe_network import probe_network as look_at_network
from qisd.cli.probe_tls import probe_tls
from qisd.errors import StoreUnavailable
from qisd.repository import stores
from qisd.repository.bucket import Bucket
from qisd.settings import ListenAddress, Settings, default_settings
from tests.cli.runner import CommandCase

_OURSELVES = pwd.getpwuid(os.geteuid()).pw_name
NOWHERE = ListenAddress("127.0.0.1", 1)


class ProbeCase(CommandCase):
    def setUp(self) -> None:
        super().setUp()
        self.report = Report()
        self.images = self.directory / "images"
        self.images.mkdir()
        self.patch(probe_network.shutil, "which", lambda name: None)  # whatever clock this machine has

    def made(self, **changes: object) -> Settings:
        nothing = {"http_listen": (), "https_listen": (), "metrics_listen": ()}
        paths = {"images_base_dir": self.images, "state_dir": self.directory / "state", "run_user": _OURSELVES}
        return attrs.evolve(default_settings(), **{**nothing, **paths, **changes})


class LibraryTests(ProbeCase):
    def test_room_and_time_are_told_of_one_that_is_well(self) -> None:
        (self.images / "a.jpg").write_bytes(b"x")
        look_at_library(self.made(min_free_space_mb=0), self.report)
        self.assertEqual((self.report.problems, self.report.warnings), ([], []))
        self.assertRegex(self.report.facts[0], r"^image library: .* free, has answered in [\d.]+ ms$")

    def test_an_empty_one_is_a_fault_once_a_server_was_here(self) -> None:
        look_at_library(self.made(), self.report)
        self.assertIn("before the very first start", self.report.warnings[0])
        (self.directory / "state").mkdir()
        (self.directory / "state" / "secret_key").write_text("x")
        look_at_library(self.made(), self.report)
        self.assertIn("mount it", self.report.problems[0])

    def test_a_file_that_must_be_there_is_asked_for(self) -> None:
        (self.images / "a.jpg").write_bytes(b"x")
        look_at_library(self.made(store_check_file=".mounted"), self.report)
        self.assertIn(".mounted", self.report.problems[0])

    def test_too_little_room_is_a_fault(self) -> None:
        (self.images / "a.jpg").write_bytes(b"x")
        look_at_library(self.made(min_free_space_mb=2**40), self.report)
        self.assertTrue(self.report.problems[0].startswith("MIN_FREE_SPACE_MB: only "))

    def test_who_may_not_look_at_it_is_told_so(self) -> None:
        self.patch(probe_library, "check_there", self.refuse)
        look_at_library(self.made(), self.report)
        self.assertIn("give it as root", self.report.problems[0])

    def refuse(self, *_: object) -> None:
        raise PermissionError

    def test_one_that_is_not_there_yet_is_made_at_the_first_start(self) -> None:
        self.images.rmdir()
        look_at_library(self.made(), self.report)
        self.assertEqual((self.report.problems, len(self.report.facts)), ([], 1))

    def test_one_that_hangs_holds_nobody_up(self) -> None:
        end = threading.Event()
        self.addCleanup(end.set)
        self.patch(probe_library, "_WITHIN", 0.01)
        self.patch(probe_library, "check_there", lambda root, check_file: end.wait(60))
        look_at_library(self.made(), self.report)
        self.assertIn("its file server hangs", self.report.problems[0])

    def test_a_network_file_system_that_believes_old_facts_is_told_of(self) -> None:
        (self.images / "a.jpg").write_bytes(b"x")
        for options, expected in (("rw", 1), ("rw,acregmax=60", 1), ("rw,acregmin=1,acregmax=3", 0), ("rw,noac", 0)):
            mounted = f"nas:/x {self.images.resolve()} nfs4 {options} 0 0\n"
            self.patch(Path, "read_text", lambda path, *_, text=mounted: text)
            self.report = Report()
            look_at_library(self.made(min_free_space_mb=0), self.report)
            self.assertEqual(len(self.report.warnings), expected, options)


class BucketTests(ProbeCase):
    def setUp(self) -> None:
        super().setUp()
        imitation = mock_aws()
        imitation.start()
        self.addCleanup(imitation.stop)
        self.account = {"s3_region": "eu-west-1", "s3_access_key": "somebody", "s3_secret_key": "secret"}
        self.client: Any = boto3.client(
            "s3", region_name="eu-west-1", aws_access_key_id="somebody", aws_secret_access_key="secret"
        )
        self.client.create_bucket(
            Bucket="pictures", CreateBucketConfiguration={"LocationConstraint": self.account["s3_region"]}
        )
        self.addCleanup(stores._bucket.cache_clear)  # its client is the imitation's

    def look(self, **changes: object) -> None:
        settings = {"s3_bucket": "pictures", "s3_cache_mb": 1, "min_free_space_mb": 0, **self.account, **changes}
        look_at_library(self.made(**settings), self.report)

    def test_a_bucket_is_listed_read_and_written_and_nothing_is_left_there(self) -> None:
        self.look(s3_prefix="/site/")
        self.assertEqual((self.report.problems, self.report.warnings), ([], []))
        bucket, folder = self.report.facts
        self.assertRegex(bucket, r"^image library: bucket pictures/site, can be listed, read and written, .* ms$")
        self.assertTrue(folder.endswith(" free for what arrives"))
        self.assertEqual(self.client.list_objects_v2(Bucket="pictures")["KeyCount"], 0)

    def test_one_that_may_not_be_written_is_a_fault_with_the_rights_that_are_needed(self) -> None:
        def refused(bucket: Bucket, *_: object) -> None:
            raise StoreUnavailable(detail="object storage: put '.qis-check': Access Denied")

        self.patch(Bucket, "put_text", refused)
        self.look()
        (problem,) = self.report.problems
        self.assertTrue(problem.startswith("S3_BUCKET: object storage: put"))
        self.assertIn("s3:PutObject", problem)

    def test_one_that_is_not_there_is_told_of_once(self) -> None:
        settings = {"s3_bucket": "other", "s3_cache_mb": 1, "min_free_space_mb": 0, **self.account}
        examine(self.made(**settings), self.report, now=datetime.now(UTC))
        self.look(s3_bucket="other")
        (problem,) = [one for one in self.report.problems if one.startswith("S3_BUCKET: ")]
        self.assertIn("there is no bucket other", problem)

    def test_copies_that_the_disk_can_never_hold_are_warned_of(self) -> None:
        self.look(s3_cache_mb=2**30)
        self.assertTrue(self.report.warnings[0].startswith("S3_CACHE_MB: "))


class DatabaseTests(ProbeCase):
    def test_one_that_is_not_there_is_a_fault_with_what_to_look_at(self) -> None:
        probe_database(self.made(mgmt_database_connection="postgresql://127.0.0.1:1/qis"), self.report)
        self.assertIn("MGMT_DATABASE_CONNECTION: the database can't be reached", self.report.problems[0])
        self.assertIn("pg_hba.conf", self.report.problems[0])

    def test_before_the_first_start_there_is_no_embedded_one(self) -> None:
        probe_database(self.made(), self.report)
        self.assertEqual(self.report.problems, [])
        self.assertIn("at its first start", self.report.warnings[0])


class NetworkTests(ProbeCase):
    def serve(self, server: str) -> ListenAddress:
        """Have somebody answer who calls himself so."""

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response_only(200)
                self.send_header("Server", server)
                self.end_headers()

        listening = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        self.addCleanup(listening.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(listening.shutdown)
        return ListenAddress("127.0.0.1", listening.server_port)

    def test_a_port_at_which_nobody_or_somebody_else_answers_is_a_fault(self) -> None:
        settings = self.made(
            http_listen=(NOWHERE, self.serve("nginx"), self.serve("qisd")), public_host_name="localhost"
        )
        look_at_network(settings, self.report)
        nobody, other = self.report.problems
        self.assertIn("systemctl status qis", nobody)
        self.assertIn("another program answers", other)
        self.assertIn("nginx", other)
        self.assertTrue(any(fact.endswith(" answers") for fact in self.report.facts))
        self.assertTrue(any("which is this machine's" in fact for fact in self.report.facts))

    def test_a_name_that_leads_nowhere_is_a_fault(self) -> None:
        def nobody_knows(*_: object, **__: object) -> None:
            raise socket.gaierror(-2, "Name or service not known")

        self.patch(socket, "getaddrinfo", nobody_knows)
        look_at_network(self.made(public_host_name="images.example.com"), self.report)
        self.assertIn("make an A (and AAAA) record", self.report.problems[0])

    def test_a_name_may_lead_to_a_balancer_but_not_to_somebody_else(self) -> None:
        self.patch(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("192.0.2.1", 0))])
        for answer, problems in (("qisd", 0), ("nginx", 1)):
            self.patch(probe_network, "_who_answers", lambda *_, answer=answer, **__: answer)
            self.report = Report()
            look_at_network(self.made(public_host_name="images.example.com"), self.report)
            self.assertEqual(len(self.report.problems), problems, answer)

    def test_without_a_name_that_is_said(self) -> None:
        look_at_network(self.made(), self.report)
        self.assertIn("qis setup --host", self.report.warnings[0])

    def test_each_memcached_server_is_asked(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:

            def answer() -> None:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(100)
                    connection.sendall(b"VERSION 1.6.18\r\n")

            thread = threading.Thread(target=answer)
            thread.start()
            there = f"127.0.0.1:{listening.getsockname()[1]}"
            look_at_network(self.made(memcached_servers=(there, "127.0.0.1:1", "/nowhere")), self.report)
            thread.join()
        self.assertIn(f"MEMCACHED_SERVERS: {there} answers, version 1.6.18", self.report.facts)
        self.assertEqual(len(self.report.problems), 2)

    def test_a_clock_that_nobody_sets_is_told_of(self) -> None:
        self.patch(probe_network.shutil, "which", lambda name: "/usr/bin/timedatectl")
        self.patch(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, "no\n", ""))
        look_at_network(self.made(), self.report)
        self.assertIn("timedatectl set-ntp true", self.report.warnings[-1])

    def test_an_address_for_all_is_asked_near_by(self) -> None:
        for host, expected in (("::", "::1"), ("0.0.0.0", "127.0.0.1"), ("192.0.2.7", "192.0.2.7")):
            self.assertEqual(near(ListenAddress(host, 80)), (expected, 80))


class TlsTests(ProbeCase):
    def test_an_address_without_tls_is_a_fault(self) -> None:
        probe_tls(self.made(https_listen=(NOWHERE,)), self.report)
        self.assertIn("no TLS at 127.0.0.1:1", self.report.problems[0])
