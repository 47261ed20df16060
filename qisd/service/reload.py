"""SIGHUP: settings, certificates, colour profiles and log files anew, without losing a connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import attrs
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from qisd.access.certificates import CertificateError
from qisd.errors import SettingsError, StartupError
from qisd.service.image_rules import image_rules
from qisd.service.listeners import Listener, Listeners, bind_all
from qisd.settings import ListenAddress, LoadedSettings, Settings, restart_required
from qisd.settings.model import MODEL
from qisd.store import audit
from qisd.store.audit import Actor
from qisd.tls.certificates import load_certificates
from qisd.tls.contexts import make_context

if TYPE_CHECKING:
    from qisd.service.daemon import Daemon

_log = Logger()

_SERVER = Actor(actor_id=None, actor_name="", actor_kind="system")


async def reload(daemon: Daemon, load: Callable[[], LoadedSettings]) -> str:
    """Read everything again. Settings with a fault are refused as a whole, and the old ones go on.

    :return: why they were refused; "" if they weren't.
    """
    daemon.logs.reopen()
    daemon.overseer.reload_succeeded = False
    try:
        loaded = await deferToThread(load)
    except SettingsError as error:
        for fault in error.faults:
            _log.error("{fault}", fault=fault)
        audit.tell(_SERVER, action="settings.refused", object_type="settings", after={"faults": list(error.faults)})
        _log.error("The new settings are refused, the old ones stay")
        return str(error.faults[0])
    for warning in loaded.warnings:
        _log.warn("{warning}", warning=warning)
    old, new = daemon.settings, loaded.settings
    rules = await deferToThread(image_rules, new)
    certificates = daemon.certificates
    daemon.settings = new
    daemon.logs.configure(new)
    await reload_certificates(daemon, new)
    possible = _possible(daemon.started_with, new)
    try:
        await daemon.body.take_over(possible, rules, _bound(daemon, new), daemon.certificates)
    except StartupError as error:
        daemon.settings, daemon.certificates = old, certificates
        daemon.logs.configure(old)
        _log.error("{error}; the new settings are refused, the old ones stay", error=error)
        audit.tell(_SERVER, action="settings.refused", object_type="settings", after={"faults": [str(error)]})
        return str(error)
    await daemon.monitor.configure(new.metrics_listen)
    daemon.overseer.reload_succeeded = True
    changed = _differing(old, new)
    _log.info("Settings reloaded, {changes}", changes=_changes(changed))
    audit.tell(_SERVER, action="settings.reloaded", object_type="settings", after={"changed": changed})
    waiting = restart_required(daemon.started_with, new)
    if waiting:
        _log.warn("Only a restart brings into effect: {names}", names=", ".join(waiting))
    return ""


async def begin_anew(daemon: Daemon) -> str:
    """Go by the same settings as before in every other respect but that all begins anew.

    :return: why that was not possible; "" if it was.
    """
    settings = _possible(daemon.started_with, daemon.settings)
    rules = await deferToThread(image_rules, settings)
    try:
        await daemon.body.take_over(settings, rules, daemon.body.listeners, daemon.certificates)
    except StartupError as error:
        _log.error("{error}; the old ones go on", error=error)
        return str(error)
    return ""


def _differing(old: Settings, new: Settings) -> list[str]:
    return [
        setting.name for setting in MODEL.values() if getattr(old, setting.attribute) != getattr(new, setting.attribute)
    ]


def _changes(names: Sequence[str]) -> str:
    return f"changed: {', '.join(names)}" if names else "none has changed"


async def reload_certificates(daemon: Daemon, settings: Settings) -> None:
    """Read the certificates again; what can't be used is logged, and what was in use stays so."""
    if not settings.https_listen:
        return
    try:
        certificates = await deferToThread(load_certificates, settings, previous=daemon.certificates)
        make_context(certificates, settings)  # whether they can be used
    except CertificateError as error:
        _log.error("{error}; the certificates in use stay", error=error)
        return
    daemon.certificates = certificates


def _possible(old: Settings, new: Settings) -> Settings:
    """``new``, but for what takes a restart."""
    kept = {MODEL[name].attribute: getattr(old, MODEL[name].attribute) for name in restart_required(old, new)}
    return attrs.evolve(new, **kept)


def _bound(daemon: Daemon, settings: Settings) -> Listeners:
    """All addresses at which connections are to be accepted; those in use if the new ones can't be had."""
    old = daemon.body.listeners
    https = settings.https_listen if daemon.certificates is not None else ()
    try:
        new_http = _newly_bound(old.http, settings.http_listen, setting="HTTP_LISTEN")
        try:
            new_https = _newly_bound(old.https, https, setting="HTTPS_LISTEN")
        except StartupError:
            for listener in new_http:
                listener.bound.close()
            raise
    except StartupError as error:
        _log.error("{error}; the addresses in use stay", error=error)
        return old
    return Listeners(
        [*(one for one in old.http if one.address in settings.http_listen), *new_http],
        [*(one for one in old.https if one.address in https), *new_https],
    )


def _newly_bound(old: Sequence[Listener], wanted: Sequence[ListenAddress], *, setting: str) -> list[Listener]:
    known = {listener.address for listener in old}
    return bind_all([address for address in wanted if address not in known], setting=setting)
