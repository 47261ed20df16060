"""The daemon with its library in object storage: a server that imitates S3 is in this process."""

from __future__ import annotations

import http.client
import logging
from typing import Any

import boto3
from moto.server import ThreadedMotoServer
from twisted.trial.unittest import SynchronousTestCase

from tests.integration.process import Home, Run

ACCOUNT = {"region": "eu-west-1", "access_key": "somebody", "secret_key": "secret"}


class ObjectStorageTests(SynchronousTestCase):
    def setUp(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = ThreadedMotoServer("127.0.0.1", 0)
        server.start()
        self.running = True
        self.server = server
        self.addCleanup(self.leave)
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=ACCOUNT["region"],
            aws_access_key_id=ACCOUNT["access_key"],
            aws_secret_access_key=ACCOUNT["secret_key"],
        )
        self.client.create_bucket(
            Bucket="pictures", CreateBucketConfiguration={"LocationConstraint": ACCOUNT["region"]}
        )
        account = {f"S3_{name.upper()}": value for name, value in ACCOUNT.items()}
        self.home = Home(S3_BUCKET="pictures", S3_PREFIX="site", S3_ENDPOINT=endpoint, **account)
        self.addCleanup(self.home.remove)

    def leave(self) -> None:
        if self.running:
            self.running = False
            self.server.stop()

    def get(self, run: Run, target: str) -> tuple[int, bytes]:
        connection = run.connect()
        self.addCleanup(connection.close)
        connection.request("GET", target)
        response = connection.getresponse()
        return response.status, response.read()

    def test_samples_and_what_others_put_there_are_shown_and_what_is_made_outlives_the_bucket(self) -> None:
        run = self.home.start().ready()
        status, made = self.get(run, "/image?src=/samples/penguin.jpg&width=100")
        self.assertEqual(status, http.client.OK)
        found = self.client.get_object(Bucket="pictures", Key="site/samples/penguin.jpg")
        self.client.put_object(Bucket="pictures", Key="site/new/b.jpg", Body=found["Body"].read())
        self.assertEqual(self.get(run, "/image?src=/new/b.jpg&width=100"), (http.client.OK, made))
        self.assertEqual(self.get(run, "/image?src=/new/c.jpg&width=100")[0], http.client.NOT_FOUND)

        self.leave()
        self.assertEqual(self.get(run, "/image?src=/samples/penguin.jpg&width=100"), (http.client.OK, made))
        self.assertEqual(self.get(run, "/image?src=/new/c.jpg&width=100")[0], http.client.SERVICE_UNAVAILABLE)
        self.assertEqual(run.stop(), 0)
        self.assertNotIn("Traceback", self.home.log() + run.console)
