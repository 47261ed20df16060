"""A certificate authority that is spoken to by ACME, with the client library of certbot's makers. Everything blocks.

Imported only where it is used, by :mod:`qisd.tls.renewal`: it brings along what would take every worker ten megabytes.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import requests
from acme import challenges, client, crypto_util, errors, messages
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from josepy.errors import Error as JoseError
from josepy.jwa import ES256
from josepy.jwk import JWK

from qisd import __version__
from qisd.store.acme import Challenge
from qisd.tls.challenges import TLS_ALPN_01

_TIMEOUT = 15
_FINALIZE_FOR = timedelta(seconds=8)


class AuthorityError(Exception):
    """The authority can't be reached, or doesn't give what was asked for; the text says why.

    :ivar unproven: it is because it was not convinced that a name is ours.
    """

    def __init__(self, message: str, *, unproven: bool = False) -> None:
        super().__init__(message)
        self.unproven = unproven


@challenges.ChallengeResponse.register
class _TlsAlpnResponse(challenges.KeyAuthorizationChallengeResponse):
    typ = TLS_ALPN_01


@challenges.Challenge.register
class _TlsAlpn(challenges.KeyAuthorizationChallenge):
    """The library has left this kind of challenge to its users."""

    typ = TLS_ALPN_01
    response_cls = _TlsAlpnResponse

    def validation(self, account_key: JWK, **_: Any) -> str:
        return self.key_authorization(account_key)


@attrs.frozen
class Question:
    """A challenge, and what the library needs to have it asked."""

    challenge: Challenge
    body: messages.ChallengeBody


def new_key() -> bytes:
    """A private key (ECDSA, P-256) as PEM: for an account, or for a certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class Authority:
    """One authority, as the holder of an account.

    :param directory: its address.
    :param account_key: PEM.
    """

    def __init__(self, directory: str, account_key: bytes) -> None:
        self._directory = directory
        self._key = JWK.load(account_key)
        self._client: Any = None

    def sign_up(self, email: str) -> None:
        """Agree to the terms, and have an account; the same one each time.

        :raises AuthorityError: it has refused, or can't be reached.
        """
        with _told():
            net = client.ClientNetwork(
                self._key,
                alg=ES256,
                verify_ssl=_trusted(),  # type: ignore[arg-type]  # handed on to requests, which takes a path as well
                user_agent=f"qisd/{__version__}",
                timeout=_TIMEOUT,
            )
            self._client = client.ClientV2(client.ClientV2.get_directory(self._directory, net), net)
            wanted = messages.NewRegistration.from_data(email=email or None, terms_of_service_agreed=True)
            try:
                self._client.new_account(wanted)
            except errors.ConflictError as known:
                net.account = messages.RegistrationResource(body=messages.Registration(), uri=known.location)

    def order(self, names: Sequence[str], key: bytes) -> messages.OrderResource:
        """Ask for a certificate for ``names`` and the PEM ``key``."""
        with _told():
            order: messages.OrderResource = self._client.new_order(crypto_util.make_csr(key, list(names)))
            return order

    def questions(self, order: messages.OrderResource, kind: str) -> list[Question]:
        """What has to be answered before the order is fulfilled; only names that aren't proven yet.

        :raises AuthorityError: it doesn't ask in this manner.
        """
        found = []
        for authorization in order.authorizations:
            if authorization.body.status != messages.STATUS_PENDING:
                continue
            name = authorization.body.identifier.value
            fitting = [one for one in authorization.body.challenges if one.chall.typ == kind]
            if not fitting:
                raise AuthorityError(f"{name}: the authority does not ask by {kind}", unproven=True)
            body = fitting[0]
            answer = body.chall.key_authorization(self._key)
            challenge = Challenge(token=body.chall.encode("token"), name=name, answer=answer)
            found.append(Question(challenge, body))
        return found

    def ask(self, question: Question) -> None:
        """Have the authority ask now."""
        with _told():
            self._client.answer_challenge(question.body, question.body.response(self._key))

    def convinced(self, order: messages.OrderResource) -> bool:
        """Whether all names of the order are proven.

        :raises AuthorityError: one can't be any more.
        """
        with _told():
            states = [self._client.poll(one)[0].body for one in order.authorizations]
        for state in states:
            if state.status not in (messages.STATUS_PENDING, messages.STATUS_VALID):
                reasons = [_reason(one.error) for one in state.challenges if one.error is not None]
                why = "; ".join(reasons) or f"the authority has ended it as {state.status.name}"
                raise AuthorityError(f"{state.identifier.value}: {why}", unproven=True)
        return all(state.status == messages.STATUS_VALID for state in states)

    def submit(self, order: messages.OrderResource) -> messages.OrderResource:
        """Hand in the request for the certificate, once all names are proven."""
        with _told():
            begun: messages.OrderResource = self._client.begin_finalization(order)
            return begun

    def fetch(self, order: messages.OrderResource) -> str | None:
        """The chain as PEM; None while the authority is still at it, after a few seconds."""
        with _told():
            try:
                return str(self._client.poll_finalization(order, datetime.now() + _FINALIZE_FOR).fullchain_pem)
            except errors.TimeoutError:
                return None


@contextmanager
def _told() -> Iterator[None]:
    """Whatever goes wrong, in words."""
    try:
        yield
    except messages.Error as error:
        raise AuthorityError(_reason(error)) from error
    except errors.IssuanceError as error:
        raise AuthorityError(_reason(error.error)) from error
    except requests.exceptions.SSLError as error:
        raise AuthorityError("the certificate of the authority's own address is not trusted here") from error
    except requests.exceptions.Timeout as error:
        raise AuthorityError(f"the authority has not answered within {_TIMEOUT} s") from error
    except requests.exceptions.RequestException as error:
        raise AuthorityError("the authority can't be reached") from error
    except (errors.Error, JoseError, ValueError, KeyError) as error:
        raise AuthorityError(f"the authority gives an answer that makes no sense ({type(error).__name__})") from error


def _reason(error: messages.Error) -> str:
    return str(error.detail or error.description or error.typ)


def _trusted() -> str | bool:
    """The authorities that this machine trusts; those that come with the library where it knows none."""
    where = ssl.get_default_verify_paths()
    if where.cafile is not None:
        return where.cafile
    if where.capath is not None and any(Path(where.capath).iterdir()):
        return where.capath
    return True
