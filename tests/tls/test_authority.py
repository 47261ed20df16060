"""Speaking to an authority: what goes wrong in words, and the kind of challenge that the library does not have."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

from acme import challenges
from josepy.jwk import JWK
from twisted.trial.unittest import SynchronousTestCase

from qisd.tls.authority import Authority, AuthorityError, new_key
from tests.tls.certificate_files import issue


class FaultTests(SynchronousTestCase):
    def refusal(self, port: int) -> str:
        with self.assertRaises(AuthorityError) as caught:
            Authority(f"https://localhost:{port}/dir", new_key()).sign_up("")
        self.assertFalse(caught.exception.unproven)
        return str(caught.exception)

    def test_one_that_is_not_there(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        self.assertEqual(self.refusal(port), "the authority can't be reached")

    def test_one_whose_own_address_is_not_trusted(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*issue("localhost").write(folder, "own"))
        with socket.create_server(("127.0.0.1", 0)) as listening:

            def shake_hands() -> None:
                comer, _ = listening.accept()
                try:
                    context.wrap_socket(comer, server_side=True).close()
                except OSError:
                    comer.close()

            thread = threading.Thread(target=shake_hands)
            thread.start()
            message = self.refusal(listening.getsockname()[1])
            thread.join()
        self.assertEqual(message, "the certificate of the authority's own address is not trusted here")


class TlsAlpnTests(SynchronousTestCase):
    def test_the_challenge_is_known_and_its_response_says_nothing(self) -> None:
        key = JWK.load(new_key())
        challenge = challenges.Challenge.from_json(
            {"type": "tls-alpn-01", "token": "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"}
        )
        answer = challenge.key_authorization(key)
        self.assertTrue(answer.startswith("evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA."))
        self.assertEqual(challenge.response(key).to_partial_json(), {})
