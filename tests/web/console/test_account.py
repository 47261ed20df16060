from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from qisd.web.console.account import browser_of


class BrowserTests(SynchronousTestCase):
    def test_a_browser_is_called_what_people_call_it(self) -> None:
        engine = "AppleWebKit/537.36 (KHTML, like Gecko)"
        for agent, name in {
            "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0": "Firefox · Linux",
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {engine} Chrome/142.0.0.0 Safari/537.36": "Chrome · Windows",
            f"Mozilla/5.0 (Windows NT 10.0) {engine} Chrome/142.0.0.0 Safari/537.36 Edg/142.0": "Edge · Windows",
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {engine} Safari/604.1": "Safari · iPhone",
            f"Mozilla/5.0 (Linux; Android 10; K) {engine} Chrome/142.0.0.0 Safari/537.36": "Chrome · Android",
            "curl/8.5.0": "curl",
            "something of ours": "something of ours",
            "": "",
        }.items():
            self.assertEqual(browser_of(agent), name)
