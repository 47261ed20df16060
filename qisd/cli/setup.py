"""``qis setup``: what a server needs to be told before it goes to work, in one go."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qisd.cli import settings_file, users
from qisd.cli.console import CommandError, Console, Exit
from qisd.cli.health import Report, examine
from qisd.cli.numbers import within
from qisd.cli.status import ask
from qisd.errors import SettingsError
from qisd.settings import LoadedSettings, load_settings
from qisd.settings.model import MODEL

Subparsers = Any

_MANY = within(1, 256)
_YES, _NO = ("yes", "y"), ("no", "n")
_KINDS = ("self", "acme", "files")
_NO_FILES = {"TLS_CERTIFICATE_FILE": "", "TLS_PRIVATE_KEY_FILE": "", "TLS_CHAIN_FILE": ""}
_TERMS = "Have you read the terms of the certificate authority, and do you agree to them?"


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the command to ``commands``."""
    parser = commands.add_parser(
        "setup",
        parents=[common],
        help="set host name, certificate, workers and the first password; asks for what isn't given",
    )
    parser.add_argument("--host", metavar="NAME", help="under which the server is reached: PUBLIC_HOST_NAME")
    parser.add_argument(
        "--tls",
        choices=_KINDS,
        help="the certificate: self (the server's own), acme (by an authority such as Let's Encrypt), files (yours)",
    )
    parser.add_argument("--email", metavar="ADDRESS", help="where the authority writes to: ACME_EMAIL")
    parser.add_argument(
        "--certificate", metavar="FILE", type=Path, help="your certificate, with its chain, in PEM form"
    )
    parser.add_argument("--key", metavar="FILE", type=Path, help="its private key")
    parser.add_argument("--workers", metavar="N", type=_workers, help="for HTTP and HTTPS each; auto: by this machine")
    parser.add_argument(
        "--admin-password-file",
        metavar="FILE",
        type=Path,
        help="the new password of admin is its first line; - is input",
    )
    parser.set_defaults(run=_setup, ask_for_password=False)


def _workers(text: str) -> int | str:
    return text if text == "auto" else _MANY(text)


def _setup(console: Console, options: argparse.Namespace) -> Exit:
    path = settings_file.local_file(console)
    if console.source.isatty():
        _ask_for_the_rest(console, options)
    values = _values(console, options)
    if not values and options.admin_password_file is None and not options.ask_for_password:
        raise CommandError("there is nothing to set: see qis setup --help", exit_code=Exit.MISSING_ARGUMENT)
    if values:
        text = settings_file.edited(path, values)
        loaded = _checked(console, path, text)
        settings_file.write(path, text)
        settings_file.tell_of_environment(console, loaded, values)
        console.message(f"written into {path}: {', '.join(values)}")
        _reload(console, loaded)
    # The last: by this a command of root becomes the account of the server.
    if options.admin_password_file is not None or options.ask_for_password:
        named = argparse.Namespace(name="admin", password_file=options.admin_password_file)
        users.set_password(console, named)
    console.message("whether people get here now: qis check --network --tls --store --database")
    return Exit.DONE


# Asking


def _ask_for_the_rest(console: Console, options: argparse.Namespace) -> None:
    """Fill in what isn't given; an empty answer leaves it as it is."""
    if options.host is None:
        options.host = _good_answer(console, "Host name, such as images.example.com", _fault_of_host) or None
    if options.tls is None:
        options.tls = _good_answer(console, f"Certificate: {', '.join(_KINDS)}", _fault_of_kind) or None
    if options.tls == "acme" and options.email is None:
        options.email = _answer(console, "E-mail address for the authority (may be empty)")
    if options.tls == "files":
        options.certificate = options.certificate or _file(console, "File of the certificate")
        options.key = options.key or _file(console, "File of the private key")
    if options.admin_password_file is None:
        answer = _good_answer(console, "Choose a password for admin now? yes, no", _fault_of_decision)
        options.ask_for_password = answer.lower() in _YES


def _good_answer(console: Console, question: str, fault: Callable[[str], str]) -> str:
    """An answer in which ``fault`` finds none; or an empty one."""
    while True:
        answer = _answer(console, question)
        told = fault(answer) if answer else ""
        if not told:
            return answer
        console.message(told)


def _fault_of_host(text: str) -> str:
    try:
        MODEL["PUBLIC_HOST_NAME"].kind.convert(text)
    except ValueError as error:
        return f"PUBLIC_HOST_NAME {error}"
    return ""


def _fault_of_kind(text: str) -> str:
    return "" if text in _KINDS else f"{text!r} is none of {', '.join(_KINDS)}"


def _fault_of_decision(text: str) -> str:
    return "" if text.lower() in (*_YES, *_NO) else "yes or no, please"


def _fault_of_file(text: str) -> str:
    try:
        with Path(text).open("rb"):
            return ""
    except OSError as error:
        return f"{text}: {error.strerror}"


def _file(console: Console, question: str) -> Path | None:
    answer = _good_answer(console, question, _fault_of_file)
    return Path(answer) if answer else None


def _answer(console: Console, question: str) -> str:
    print(f"{question}: ", end="", file=sys.stderr, flush=True)
    line = console.source.readline()
    if not line:
        raise KeyboardInterrupt
    return line.strip()


def _values(console: Console, options: argparse.Namespace) -> Mapping[str, object]:
    """By the name of the setting.

    :raises CommandError: the flags don't fit each other.
    """
    values: dict[str, object] = {}
    if options.host is not None:
        values["PUBLIC_HOST_NAME"] = options.host
    if options.workers is not None:
        values |= {"HTTP_PROCESSES": options.workers, "HTTPS_PROCESSES": options.workers}
    if options.tls != "files" and (options.certificate or options.key):
        raise CommandError("--certificate and --key are for --tls files")
    if options.tls == "self":
        values |= {**_NO_FILES, "ACME": False}
    elif options.tls == "files":
        if not options.certificate or not options.key:
            raise CommandError("--tls files needs --certificate and --key", exit_code=Exit.MISSING_ARGUMENT)
        files = {"TLS_CERTIFICATE_FILE": options.certificate, "TLS_PRIVATE_KEY_FILE": options.key}
        values |= {**{name: str(file.absolute()) for name, file in files.items()}, "ACME": False}
    elif options.tls == "acme":
        console.confirm(_TERMS)
        values |= _NO_FILES
        values |= {"ACME": True, "ACME_TERMS_AGREED": True, "ACME_EMAIL": options.email or ""}
    return values


# Doing


def _checked(console: Console, path: Path, text: str) -> LoadedSettings:
    """What the settings will be.

    :raises CommandError: they would be bad; nothing was written.
    """
    report = Report()
    with tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8", newline="") as draft:
        draft.write(text)
        draft.flush()
        try:
            loaded = load_settings(Path(draft.name), console.environ)
        except SettingsError as error:
            faults = [fault.replace(draft.name, str(path)) for fault in error.faults]
            raise CommandError("\n".join([*faults, "nothing was written"])) from error
    examine(loaded.settings, report, now=datetime.now(UTC))
    for warning in report.warnings:
        console.message(f"warning: {warning}")
    if report.problems:
        raise CommandError("\n".join([*report.problems, "nothing was written"]))
    return loaded


def _reload(console: Console, loaded: LoadedSettings) -> None:
    try:
        process = int(ask(loaded.settings, command="status")["pid"])
        os.kill(process, signal.SIGHUP)
    except CommandError:
        console.message("no server runs that could take it up: systemctl start qis")
    except PermissionError:
        console.message("it holds after a reload: systemctl reload qis")
    else:
        console.message("the server takes it up now")
