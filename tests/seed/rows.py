"""What one machine can show. Each function tries some rows, and returns what it has seen, in a few words."""

from __future__ import annotations

import base64
import io
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import attrs
from PIL import Image

from qisd.settings import default_settings, sizing
from qisd.settings.sizing import Machine
from tests.integration.postgres import REPOSITORY
from tests.integration.process import connect, until
from tests.seed.site import Site, expect

PENGUIN = "/image?src=/samples/penguin.jpg&width=400"
CROP = f"{PENGUIN}&left=0.2&top=0.3&right=0.8&bottom=0.8"


@attrs.frozen
class Check:
    """:param rows: such as ``S-17``."""

    rows: tuple[str, ...]
    promise: str
    work: Callable[[Site], str]


CHECKS: list[Check] = []


def row(*rows: str, promise: str) -> Callable[[Callable[[Site], str]], Callable[[Site], str]]:
    def add(work: Callable[[Site], str]) -> Callable[[Site], str]:
        CHECKS.append(Check(rows, promise, work))
        return work

    return add


@row("S-52", promise="the log tells the first password of admin, in the words of the guide")
def _password_line(site: Site) -> str:
    form = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} qis_\d+ +INFO +Created default admin user with password \w{10}$"
    found = [line for line in site.home.log().splitlines() if "admin user" in line]
    expect(len(found) == 1 and re.fullmatch(form, found[0]), f"{found}")
    return found[0][:-10] + "…"


@row("S-11", promise="a page with the product's name and Sign In, by the bare address")
def _home_page(site: Site) -> str:
    page = site.get("/", Accept="text/html")
    expect(page.status == 200 and "Sign In" in page.text, f"{page.status} {page.text[:200]}")
    return "Sign In is there"


@row("S-12", promise="Sign In leads to HTTPS, with a certificate of the server's own")
def _sign_in(site: Site) -> str:
    answer = site.get("/login/")
    location = answer.headers.get("Location", "")
    expect(answer.status == 302 and location.startswith("https://"), f"{answer.status} {location}")
    expect(site.get("/login/", scheme="https").status == 200, "no page by HTTPS")
    return f"302 to {location}"


@row("S-15", promise="eight sample files can be browsed")
def _samples(site: Site) -> str:
    found = {one["filename"] for one in site.json("/api/list/?path=/samples", scheme="https")["data"]}
    names = ("acrylic", "cityscape", "coffee", "mercedes", "mountains", "penguin")
    missing = {f"{name}.jpg" for name in names} - found
    expect(not missing and len(found - {"LICENSE"}) == 8, f"missing: {missing}; there are: {found}")
    return "six photographs, two logos"


@row("S-17", "S-18", "S-53", promise="the two sample images, by HTTP and HTTPS")
def _sample_images(site: Site) -> str:
    sizes = []
    for scheme in ("http", "https"):
        whole, crop = (site.image(path, scheme=scheme) for path in (PENGUIN, CROP))
        expect(whole.headers["Content-Type"] == "image/jpeg" and whole.body != crop.body, "the crop is the whole")
        pictures = [Image.open(io.BytesIO(one.body)) for one in (whole, crop)]
        expect([one.width for one in pictures] == [400, 400], f"{pictures}")
        sizes = [f"{one.width} × {one.height}" for one in pictures]
    return f"JPEG, {sizes[0]} and {sizes[1]}"


@row("S-24", promise="any host name is answered")
def _any_host(site: Site) -> str:
    expect(site.get(PENGUIN, Host="images.example.com").status == 200, "not under another name")
    return "Host: images.example.com → 200"


@row("S-53", promise="admin can log in with the password from the log")
def _log_in(site: Site) -> str:
    found = re.search(r"admin user with password (\w+)", site.home.log())
    login = base64.b64encode(f"admin:{found[1] if found else ''}".encode()).decode()
    answer = site.get("/api/token/", scheme="https", method="POST", Authorization=f"Basic {login}", Content_Length="0")
    expect(answer.status == 200, f"{answer.status} {answer.text}")
    return "a token for admin"


@row("S-5", "S-36", "S-35", promise="two workers for HTTP, two for HTTPS")
def _two_workers(site: Site) -> str:
    values = [site.qis("settings", "get", f"{name}_PROCESSES").strip() for name in ("HTTP", "HTTPS")]
    counted = [site.metric(f'qis_workers{{kind="{kind}"}}') for kind in ("http", "https")]
    expect(values == ["2", "2"] and counted == [2, 2], f"set: {values}, counted: {counted}")
    return "set to 2 and 2, and so many work"


@row("S-6", "S-34", promise="workers by processors: less one each for PostgreSQL and Memcached, two at least")
def _formula(site: Site) -> str:
    found = []
    for cpus in (1, 2, 4, 8):
        machine = Machine(processors=cpus, memory_mb=4096, postgres_here=True, memcached_here=True)
        plan = sizing.plan(default_settings(), machine)
        found.append(sizing.by_setting(default_settings(), plan)["HTTP_PROCESSES"])
    expect(found == [2, 2, 2, 6], f"{found}")
    expect("HTTP_PROCESSES" in site.qis("tune"), "qis tune is silent")
    return "1, 2, 4, 8 processors → 2, 2, 2, 6"


@row("S-7", promise="free space of the library is shown")
def _free_space(site: Site) -> str:
    found = re.search(r"free space, images: .*", site.qis("status"))
    expect(found, "qis status does not tell")
    return found[0] if found else ""


@row("S-27", promise="the configuration is checked before it is used; a bad one never takes the server down")
def _syntax(site: Site) -> str:
    expect(site.qis("check").splitlines()[-1] == "Syntax OK", "not OK as it is")
    site.home.settings_file.write_text("HTTP_THREADS = 0\n")
    told = site.qis("check", code=2).splitlines()[0]
    site.run.send(signal.SIGHUP)
    until(lambda: site.metric("qis_settings_reload_success") == 0, "the refusal")
    expect(site.get(PENGUIN).status == 200, "no longer serving")
    site.reload("")
    return f"Syntax OK; else {told.partition('.toml:')[2]}"


@row("S-23", "S-40", "S-62", promise="a reload costs no request")
def _reload(site: Site) -> str:
    load = site.begin("bench", f"http://127.0.0.1:{site.ports['http']}", "--duration", "8", "--json", "--skip-warm")
    site.reload("HTTP_THREADS = 14\n")
    out, err = load.communicate(timeout=120)
    expect(load.returncode == 0, f"{out}{err}")
    site.reload("")
    return "qis bench through a reload: no error"


@row("S-19", "S-22", promise="one command sets the name; addresses carry it")
def _setup(site: Site) -> str:
    with site.reloading():
        site.qis("setup", "--host", "images.example.com", "--tls", "self")
    found = site.json("/api/details/?src=/samples/penguin.jpg", scheme="https")["data"]["url"]
    site.reload("")
    expect(found.startswith("http://images.example.com/"), found)
    return found


@row("S-26", "S-28", promise="a certificate of one's own is shown after a reload, with its chain")
def _own_certificate(site: Site) -> str:
    folder = site.home.path
    ca, ca_key, own, key, request = (folder / name for name in ("ca.crt", "ca.key", "own.crt", "own.key", "own.csr"))
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    _openssl("req", "-x509", *new, "-keyout", ca_key, "-out", ca, "-subj", "/CN=Seed CA", "-days", "9")
    _openssl("req", *new, "-keyout", key, "-out", request, "-subj", "/CN=images.example.com")
    names = folder / "names"
    names.write_text("subjectAltName=DNS:images.example.com\n")
    _openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-out", own, "-days", "9", "-extfile", names)
    key.chmod(0o644)
    site.reload(f'TLS_CERTIFICATE_FILE = "{own}"\nTLS_PRIVATE_KEY_FILE = "{key}"\n')
    where = ["-connect", f"127.0.0.1:{site.ports['https']}", "-servername", "images.example.com"]
    shown = _openssl(
        "s_client", *where, "-CAfile", ca, "-verify_return_error", "-verify_hostname", "images.example.com"
    )
    site.reload("")
    found = re.search(r"Verify return code: .*", shown)
    expect(found and "0 (ok)" in found[0], shown[-300:])
    return found[0] if found else ""


def _openssl(*arguments: str | Path) -> str:
    done = subprocess.run(
        ["openssl", *map(str, arguments)], input="", capture_output=True, text=True, timeout=60, check=False
    )
    expect(done.returncode == 0, done.stderr)
    return done.stdout


@row("S-33", "S-32", promise="a slow client holds no thread")
def _slow_client(site: Site) -> str:
    connection = connect(site.ports["http"])
    try:
        connection.request("GET", "/image?src=/samples/penguin.jpg&width=1999&format=png")
        answer = connection.getresponse()
        answer.read(1)
        until(lambda: site.metric("qis_render_active") == 0, "the thread to be free")
    finally:
        connection.close()
    return "qis_render_active is 0 while the client has read one byte"


@row("S-37", promise="a key of its own for each installation, of 32 letters and digits")
def _secret(site: Site) -> str:
    secrets = {site.qis("secret").strip() for _ in range(2)}
    expect(len(secrets) == 2 and all(re.fullmatch(r"[A-Za-z0-9]{32}", one) for one in secrets), "no good secret")
    kept = site.home.path / "state" / "secret_key"
    expect(kept.stat().st_mode & 0o077 == 0, "others can read it")
    return "generated, kept with mode 0600"


@row(
    "S-39",
    "S-58",
    promise="settings are in a commented file that is never written to; the local file and the environment win",
)
def _settings(site: Site) -> str:
    base = REPOSITORY / "qisd" / "base_settings.toml"
    before = base.read_bytes()
    site.reload("IMAGE_RESIZE_QUALITY = 1\n")
    shown = site.qis("settings", "show")
    site.reload("")
    line = next(line for line in shown.splitlines() if line.startswith("IMAGE_RESIZE_QUALITY"))
    expect("1" in line and base.read_bytes() == before, line)
    return " ".join(line.split())


@row("S-45", promise="a busy port stops the start, with its number and exit 2")
def _busy_port(site: Site) -> str:
    other = Path(site.home.path, "other")
    flags = {"STATE_DIR": other, "IMAGES_BASE_DIR": other / "images", "LOGGING_BASE_DIR": other / "logs"}
    run = site.home.start(
        workers=True, HTTP_LISTEN=f"127.0.0.1:{site.ports['http']}", **{name: str(path) for name, path in flags.items()}
    )
    expect(run.ended() == 2 and str(site.ports["http"]) in run.console, run.console)
    return run.console.strip().splitlines()[-1]


@row("S-47", promise="the guide's sed for compose files does no harm")
def _sed(site: Site) -> str:
    text = (REPOSITORY / "deploy" / "docker" / "docker-compose.yml").read_text()
    without = "".join(line for line in text.splitlines(keepends=True) if "build:" not in line)
    expect(without == text, "there are build: lines")
    return "no build: line"


@row("S-9", promise="nothing listens beyond loopback but what is to")
def _listeners(site: Site) -> str:
    found = site.run.listening_ports()
    expect(set(found) == set(site.ports.values()), f"{found} are listened on, {site.ports} are set")
    return "the addresses that are set, and no other"


@row(
    "S-65", "S-60", promise="a cached image asks the database nothing; 58 a second are far below what one machine does"
)
def _cached(site: Site) -> str:
    line = 'qis_database_query_seconds_count{name="short"}'
    site.qis("bench", f"http://127.0.0.1:{site.ports['http']}", "500", "100", "4", "--keep-alive")
    before = site.metric(line)
    out = site.qis("bench", f"http://127.0.0.1:{site.ports['http']}", "3000", "100", "4", "--keep-alive", "--skip-warm")
    asked = site.metric(line) - before
    found = re.search(r"([\d,.]+) (?:requests )?(?:per second|/s|a second)", out)
    expect(asked < 100, f"{asked:.0f} statements for 3000 images")
    return f"{asked:.0f} statements (statistics) for 3000 images; {found[0] if found else out.splitlines()[0]}"


@row("S-21", "S-37", promise="no password and no key in what is shipped")
def _nothing_shipped(site: Site) -> str:
    expect(not list((REPOSITORY / "qisd").rglob("*.key")), "a key")
    return "generated at the first start"


@row("S-30", promise="Memcached may go away and come back under load")
def _memcached(site: Site) -> str:
    socket = site.home.path / "memcached.sock"
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    command = ["memcached", "-s", str(socket), "-a", "0777", "-m", "64", *user]
    first = subprocess.Popen(command)
    try:
        until(socket.exists, "memcached")
        site.reload(f'MEMCACHED_SERVERS = ["{socket}"]\nMEMORY_CACHE_MB = 0\n')
        load = site.begin("bench", f"http://127.0.0.1:{site.ports['http']}", "--duration", "6", "--json")
        until(lambda: site.metric('qis_images_total{source="memcached"}') > 0, "hits")
    finally:
        first.terminate()
        first.wait()
    again = subprocess.Popen(command)
    try:
        out, err = load.communicate(timeout=120)
        expect(load.returncode == 0, f"{out}{err}")
        site.reload("")
    finally:
        again.terminate()
        again.wait()
    return "stopped and started under qis bench: no error"
