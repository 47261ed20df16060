"""``qis check --tls``: what do those see who come by HTTPS?"""

from __future__ import annotations

from datetime import UTC, datetime

from qisd.cli.health import Report
from qisd.cli.probe_network import near
from qisd.settings import Settings
from qisd.tls.chains import authorities, common_name, faults
from qisd.tls.probing import PROXY_NOBODY, shown_chain

_WITHIN = 5.0


def probe_tls(settings: Settings, report: Report) -> None:
    """Add to ``report`` what is wrong with what the running server shows, at each address of its own."""
    names = [one.partition(":")[0] for one in (settings.public_host_name, *settings.server_aliases) if one]
    ahead = PROXY_NOBODY if settings.proxy_protocol else b""
    for address in settings.https_listen:
        try:
            chain = shown_chain(near(address), (names or ["localhost"])[0], timeout=_WITHIN, ahead=ahead)
        except OSError as error:
            report.problems.append(
                f"HTTPS_LISTEN: no TLS at {address}: {error.strerror or error}:"
                " does the server run (`systemctl status qis`)?"
            )
            continue
        own = chain[0]
        if own.issuer == own.subject:
            report.warnings.append(
                f"HTTPS_LISTEN: {address} shows a certificate that the server has made itself, of which browsers warn:"
                " `qis setup --tls acme` gets one from an authority, `qis setup --tls files` takes yours"
            )
            continue
        now = datetime.now(UTC)
        found = faults(chain, hosts=names, now=now, trusted=authorities())
        for fault in found:
            (report.problems if fault.grave else report.warnings).append(f"HTTPS_LISTEN: {address}: {fault}")
        if not found:
            days = (own.not_valid_after_utc - now).days
            report.facts.append(
                f"TLS: {address} shows {common_name(own.subject)} by {common_name(own.issuer)}, {days} days left"
            )
