from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.cli.qis_apache import ApacheFacts, find_files, read_files

HTTP = """\
# ServerName ignored.example.com
WSGISocketPrefix /var/run/wsgi
<VirtualHost *:80>
    ServerName images.example.com
    ServerAlias img.example.com "cdn.example.com" \\
        static.example.com
    WSGIDaemonProcess qis user=qis group=www-data processes=4 threads=15 python-path=/opt/qis/src
</VirtualHost>
"""
HTTPS = """\
<VirtualHost _default_:443>
    servername https://images.example.com:443
    ServerAlias img.example.com secure.example.com
    WSGIDaemonProcess qis-ssl processes=6 threads=12
    SSLEngine on
    SSLCertificateFile "/etc/ssl/certs/images example.pem"
    SSLCertificateKeyFile /etc/ssl/private/images.key
    SSLCertificateChainFile /etc/ssl/certs/chain.pem
</VirtualHost>
"""


class ApacheTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = Path(self.mktemp()).absolute()
        self.root.mkdir()

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def test_names_numbers_and_certificates_are_found(self) -> None:
        files = [self.write("a.conf", HTTP), self.write("b.conf", HTTPS)]
        self.assertEqual(
            read_files(files),
            ApacheFacts(
                server_name="images.example.com",
                aliases=["img.example.com", "cdn.example.com", "static.example.com", "secure.example.com"],
                processes={"http": 4, "https": 6},
                threads={"http": 15, "https": 12},
                certificate="/etc/ssl/certs/images example.pem",
                key="/etc/ssl/private/images.key",
                chain="/etc/ssl/certs/chain.pem",
                files=files,
            ),
        )

    def test_the_distributions_dummy_is_no_certificate(self) -> None:
        text = (
            "<VirtualHost *:443>\nSSLCertificateFile /etc/ssl/certs/ssl-cert-snakeoil.pem\n"
            "SSLCertificateKeyFile /etc/ssl/private/ssl-cert-snakeoil.key\n</VirtualHost>\n"
        )
        facts = read_files([self.write("a.conf", text)])
        self.assertEqual((facts.certificate, facts.key), ("", ""))

    def test_anything_else_is_passed_over(self) -> None:
        text = '<VirtualHost\nServerName\n"unclosed\nServerAlias\n<IfModule x>\nServerName a.example\n\0\xff\n'
        facts = read_files([self.write("a.conf", text), self.root / "missing.conf"])
        self.assertEqual(facts.server_name, "a.example")

    def test_files_that_speak_of_it_are_found_once(self) -> None:
        available = self.write("etc/apache2/sites-available/qis.conf", HTTP)
        self.write("etc/apache2/sites-enabled/other.conf", "<VirtualHost *:80>\nServerName other\n</VirtualHost>\n")
        self.assertEqual(find_files(self.root), [available])
        enabled = self.root / "etc/apache2/sites-enabled/001-qis.conf"
        enabled.symlink_to(available)
        (enabled.parent / "002-qis.conf").symlink_to(available)
        self.assertEqual(len(find_files(self.root)), 1)
        self.assertEqual(find_files(self.root / "empty"), [])
