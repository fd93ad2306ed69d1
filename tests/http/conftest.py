"""Servers for the HTTP tests: the real binary, on a free port of 127.0.0.1, with a data directory of
its own. $QUERN names the binary.

    def test_x(server):                    one server for all tests that change nothing
        answer = server.get("/api/v1/version")
        assert answer.status == 200 and answer.json()["build"]

    def test_y(start_server):              one of its own, with flags and environment
        server = start_server("--rest-max-connections", "2", env={"QUERN_NODE_ID": "n1"})
        assert server.stop() == 0
"""
import http.client
import json
import os
import pathlib
import signal
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEADLINE_S = 30


def wait_until(what, probe, deadline_s=DEADLINE_S):
    """Polls until probe() is truthy and returns that; fails with `what` after the deadline."""
    end = time.monotonic() + deadline_s
    while True:
        got = probe()
        if got:
            return got
        if time.monotonic() > end:
            pytest.fail(f"waited {deadline_s} s for {what}")
        time.sleep(0.01)


def binary():
    named = os.environ.get("QUERN")
    candidates = [named] if named else [ROOT / "build" / p / "quern" for p in ("debug", "release")]
    for path in candidates:
        if pathlib.Path(path).exists():
            return str(path)
    pytest.exit("no quern binary: build one, or name it in $QUERN", returncode=1)


class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)


class Server:
    def __init__(self, folder, flags=(), env=None, data_dir=None):
        self.folder = folder
        self.data_dir = data_dir or folder / "data"
        self.log_path = folder / "log"
        command = [binary(), "serve", "--data-dir", str(self.data_dir), "--listen", "127.0.0.1:0"]
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("QUERN_", "QW_"))}
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command + list(flags), stderr=log, cwd=folder,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            env={**clean, **(env or {})})
        try:
            wait_until("the server to start", lambda: self.event("started") or self.exited())
        except BaseException:
            self.kill()  # nobody else knows of it yet
            raise
        if self.exited():
            pytest.fail(f"the server ended with status {self.process.returncode}:\n{self.stderr()}")
        self.port = self.event("started")["port"]
        self.url = f"http://127.0.0.1:{self.port}"

    def exited(self):
        return self.process.poll() is not None

    def stderr(self):
        return self.log_path.read_text(errors="replace")

    def events(self):
        lines = self.stderr().split("\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def event(self, name):
        return next((e for e in self.events() if e["event"] == name), None)

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)

    def request(self, method, target, body=None, headers=None):
        connection = self.connect()
        try:
            connection.request(method, target, body=body, headers=headers or {})
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def get(self, target, headers=None):
        return self.request("GET", target, headers=headers)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        return self.process.wait(timeout=DEADLINE_S * 2)

    def stop(self):
        """SIGTERM; the exit status. What a sanitizer found fails the test."""
        if not self.exited():
            self.signal(signal.SIGTERM)
        status = self.wait()
        assert "Sanitizer" not in self.stderr(), self.stderr()
        return status

    def kill(self):
        if not self.exited():
            self.process.kill()
            self.process.wait()


@pytest.fixture
def start_server(tmp_path):
    started = []

    def start(*flags, env=None, data_dir=None):
        folder = tmp_path / f"server-{len(started)}"
        folder.mkdir()
        server = Server(folder, flags, env, data_dir)
        started.append(server)
        return server

    yield start
    try:
        for server in started:
            server.stop()
    finally:
        for server in started:
            server.kill()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    one = Server(tmp_path_factory.mktemp("shared"))
    yield one
    try:
        assert one.stop() == 0
    finally:
        one.kill()


@pytest.fixture
def quern(tmp_path):
    """Runs the command line in an empty folder: quern("config", "check") -> CompletedProcess."""
    def run(*words, env=None, stdin=None):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("QUERN_", "QW_"))}
        return subprocess.run([binary(), *words], cwd=tmp_path, input=stdin, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env={**clean, **(env or {})}, timeout=DEADLINE_S)

    return run
