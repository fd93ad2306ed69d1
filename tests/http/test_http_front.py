"""The HTTP front of the real server: framing, limits, TLS, slow and vanishing clients.

What needs handlers of its own (streams, back-pressure, cancelling, draining) is tested in C, in
tests/unit/http_*_test.c."""
import gzip
import json
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from conftest import DEADLINE_S, wait_until


def dial(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE_S)


def read_to_end(sock):
    got = b""
    try:
        while piece := sock.recv(65536):
            got += piece
    except ConnectionResetError:
        pass
    return got


def raw(server, data):
    with dial(server) as sock:
        sock.sendall(data)
        return read_to_end(sock)


def statuses(answer):
    return [int(s) for s in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)]


def metric(server, line):
    for row in server.get("/metrics").text.splitlines():
        if row.startswith(line + " "):
            return float(row.rsplit(" ", 1)[1])
    pytest.fail(f"no metric {line}")


GOOD = b"GET /health/livez HTTP/1.1\r\nHost: a\r\n"
LAST = GOOD + b"Connection: close\r\n\r\n"


def test_pipelined_requests_are_answered_in_order(server):
    answer = raw(server, GOOD + b"\r\n" + b"GET /api/v1/version HTTP/1.1\r\nHost: a\r\n\r\n"
                 + b"GET /api/v1/nope HTTP/1.1\r\nHost: a\r\n\r\n" + LAST)
    assert statuses(answer) == [200, 200, 404, 200]


def test_one_connection_serves_many_requests(server):
    connection = server.connect()
    for i in range(100):
        connection.request("GET", "/health/livez", headers={"X-Request-Id": f"r{i}"})
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"true")
        assert response.headers["X-Request-Id"] == f"r{i}"
    connection.close()


def test_http_1_0(server):
    assert statuses(raw(server, b"GET /health/livez HTTP/1.0\r\n\r\n")) == [200]


@pytest.mark.parametrize("framing", [
    b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    b"Content-Length : 3\r\n\r\nabc",
    b"Host: b\r\n\r\n",
    b"X-A: a\x01b\r\n\r\n",
])
def test_framing_that_proxies_read_differently_ends_the_connection(server, framing):
    answer = raw(server, b"POST /api/v1/version HTTP/1.1\r\nHost: a\r\n" + framing + LAST)
    assert set(statuses(answer)) <= {400}


def test_refusals_are_json(server):
    for target, status in (("/api/v1/nope", 404), ("/api/v1/version?x=1", 400),
                           ("/api/v1/%zz", 400), ("/api/v1/version?" + "a&" * 300, 414)):
        answer = server.get(target)
        assert answer.status == status, target
        assert answer.headers["Content-Type"] == "application/json"
        assert list(answer.json()) == ["message"] or "error" in answer.json()


def test_wrong_method_says_which_are_right(server):
    answer = server.request("DELETE", "/api/v1/version")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET")


def test_options_names_the_methods(server):
    answer = server.request("OPTIONS", "/api/v1/version")
    assert (answer.status, answer.headers["Allow"], answer.body) == (200, "GET", b"")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_cors_is_granted_to_the_origins_named(start_server):
    server = start_server("--rest-cors-allow-origins", "https://a.example,https://b.example")
    for origin, granted in (("https://b.example", True), ("https://c.example", False)):
        answer = server.request("OPTIONS", "/api/v1/version",
                                headers={"Origin": origin, "Access-Control-Request-Method": "GET"})
        assert answer.status == 200
        assert answer.headers.get("Access-Control-Allow-Origin") == (origin if granted else None)


def test_answers_are_compressed_when_asked(server):
    plain = server.get("/metrics")
    coded = server.get("/metrics", {"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert coded.headers["Content-Encoding"] == "gzip"
    assert coded.headers["Vary"] == "Accept-Encoding"
    assert len(coded.body) < len(plain.body) / 3
    assert b"quern_http_connections" in gzip.decompress(coded.body)
    assert "Content-Encoding" not in server.get("/health/livez", {"Accept-Encoding": "gzip"}).headers


def test_bodies_of_refused_requests_do_not_cost_the_connection(server):
    connection = server.connect()
    for _ in range(3):
        connection.request("POST", "/api/v1/nope", body=b"x" * 3_000_000)
        response = connection.getresponse()
        assert (response.status, bool(response.read())) == (404, True)
    connection.close()


def test_heads_are_bounded(server):
    many = b"".join(b"X-%d: v\r\n" % i for i in range(300))
    assert set(statuses(raw(server, GOOD + many + b"\r\n"))) <= {431}
    assert set(statuses(raw(server, b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"))) \
        <= {400, 414, 431}


def test_connections_are_bounded(start_server):
    server = start_server("--rest-max-connections", "8")
    held = [dial(server) for _ in range(12)]
    answers = []
    for sock in held:
        sock.sendall(GOOD + b"\r\n")
        answers += statuses(sock.recv(4096))
    assert sorted(answers) == [200] * 8 + [503] * 4
    for sock in held:
        sock.close()
    wait_until("a free place", lambda: server.get("/health/livez").status == 200)


def test_drip_fed_headers_are_cut_off(start_server):
    server = start_server("--rest-header-timeout", "1s")
    with dial(server) as sock:
        sock.sendall(b"GET /health/livez HTTP/1.1\r\nX-A: ")
        end = time.monotonic() + DEADLINE_S
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while time.monotonic() < end:
                sock.sendall(b"a")
                time.sleep(0.02)
    assert metric(server, 'quern_http_connections_cut_off_total{reason="headers"}') >= 1


def test_clients_that_vanish_leave_nothing_behind(start_server):
    server = start_server()
    for data in (b"", b"GET /he", GOOD, GOOD + b"\r\n", LAST,
                 b"POST /api/v1/nope HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc"):
        for _ in range(5):
            with dial(server) as sock:
                sock.sendall(data)
    wait_until("all connections to be gone",
               lambda: metric(server, "quern_http_connections") == 1)
    assert server.stop() == 0


def test_metrics_count_answers(start_server):
    server = start_server()
    for _ in range(5):
        server.get("/api/v1/nope")
    assert metric(server, 'quern_http_responses_total{class="4xx"}') == 5
    assert metric(server, 'quern_http_requests_refused_total{reason="route"}') == 5
    assert metric(server, "quern_http_request_duration_seconds_count") >= 5


def test_stopping_under_load_breaks_no_answer(start_server):
    """Every request sent before or while the server stops is answered whole, or not at all."""
    server = start_server()
    broken, answered, stopped = [], [0], threading.Event()

    def client():
        while not stopped.is_set():
            try:
                connection = server.connect()
                while not stopped.is_set():
                    connection.request("GET", "/api/v1/version")
                    response = connection.getresponse()
                    body = response.read()
                    json.loads(body)
                    if response.status not in (200, 503):
                        broken.append((response.status, body))
                    answered[0] += 1
            except (ConnectionError, OSError):
                pass
            except Exception as problem:  # half an answer
                if "RemoteDisconnected" not in repr(problem):
                    broken.append(repr(problem))

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    wait_until("some answers", lambda: answered[0] > 200)
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    stopped.set()
    for thread in threads:
        thread.join()
    assert broken == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
                   check=True, capture_output=True)
    return folder


def test_tls(start_server, certificate):
    server = start_server("--rest-tls-cert-path", str(certificate / "cert.pem"),
                          "--rest-tls-key-path", str(certificate / "key.pem"))
    context = ssl.create_default_context(cafile=certificate / "cert.pem")
    with context.wrap_socket(dial(server), server_hostname="localhost") as sock:
        assert sock.version() in ("TLSv1.2", "TLSv1.3")
        for _ in range(3):
            sock.sendall(GOOD + b"\r\n")
            got = b""
            while not got.endswith(b"true"):  # a record for the head, one for the body
                got += sock.recv(4096)
            assert statuses(got) == [200]
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b"quern_http_connections 1\n" in read_to_end(sock)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("DEFAULT@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        old.wrap_socket(dial(server), server_hostname="localhost")
    assert statuses(raw(server, LAST)) == []
    assert server.stop() == 0
