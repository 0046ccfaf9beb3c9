"""A real browser, driven over its DevTools protocol through two pipes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
    " --disable-background-networking --disable-component-update --remote-debugging-pipe"
)

LAUNCH = """
import fcntl, os, sys
reads, writes = (fcntl.fcntl(int(one), fcntl.F_DUPFD, 10) for one in sys.argv[1:3])
os.dup2(reads, 3)
os.dup2(writes, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""
"""A browser reads commands at descriptor 3 and writes answers to 4."""


def installed():
    """The browser's name, or None."""
    return next(filter(shutil.which, NAMES), None)


class Browser:
    """One page in a browser of its own."""

    def __init__(self, profile, url, **environment):
        inward, outward = os.pipe(), os.pipe()
        ours = inward[0], outward[1]
        command = [installed(), *QUIET.split(), f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, *map(str, ours), *command],
            pass_fds=ours,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **environment},
        )
        for end in ours:
            os.close(end)
        self._to, self._from = os.fdopen(inward[1], "wb"), os.fdopen(outward[0], "rb")
        self._number, self._rest, self._session = 0, b"", {}
        target = self._call("Target.createTarget", url=url)["targetId"]
        session = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": session["sessionId"]}
        self.until("document.readyState === 'complete' && document.title")

    def _call(self, method, **params):
        self._number += 1
        message = {"id": self._number, "method": method, "params": params, **self._session}
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while True:
            while b"\0" not in self._rest:
                part = self._from.read1(65536)
                assert part, "the browser has ended"
                self._rest += part
            heard, _, self._rest = self._rest.partition(b"\0")
            answer = json.loads(heard)
            if answer.get("id") == self._number:
                return answer["result"]

    def run(self, script):
        """The value of *script*, as JSON."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, script, seconds=60.0):
        """The value of *script* once it is true."""
        deadline = time.monotonic() + seconds
        while not (value := self.run(script)):
            assert time.monotonic() < deadline, script
        return value

    def texts(self, selector):
        """The text of each element."""
        return self.run(f"[...document.querySelectorAll('{selector}')].map((e) => e.textContent)")

    def click(self, selector):
        """Click on every element, once there is one."""
        self.until(f"document.querySelector('{selector}') !== null")
        self.run(f"document.querySelectorAll('{selector}').forEach((e) => e.click())")

    def close(self):
        """End it."""
        self._process.kill()
        self._process.wait()
        self._to.close()
        self._from.close()
