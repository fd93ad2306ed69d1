"""What a server says about itself, its health, its page, and how it starts and stops."""
import gzip
import json
import re
import signal
import socket
import threading

import pytest

from conftest import wait_until


def test_version_has_build_and_runtime(server):
    answer = server.get("/api/v1/version")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    version = answer.json()
    assert set(version["build"]) == {
        "build_date", "build_profile", "build_target", "cargo_pkg_version", "commit_date",
        "commit_hash", "commit_short_hash", "commit_tags", "version"}
    assert re.fullmatch(r"[0-9a-f]{40}", version["build"]["commit_hash"])
    assert version["build"]["commit_hash"].startswith(version["build"]["commit_short_hash"])
    assert version["runtime"]["num_cpus"] >= 1
    assert version["runtime"]["num_threads_blocking"] >= 1
    assert version["runtime"]["num_threads_non_blocking"] >= 1


def test_cluster_is_this_node(server):
    cluster = server.get("/api/v1/cluster").json()
    assert list(cluster) == ["cluster_id", "self_node_id", "ready_nodes", "live_nodes",
                             "dead_nodes", "chitchat_state_snapshot"]
    assert [n["node_id"] for n in cluster["ready_nodes"]] == [cluster["self_node_id"]]
    assert cluster["ready_nodes"][0]["gossip_advertise_addr"] == f"127.0.0.1:{server.port}"
    assert cluster["ready_nodes"][0]["generation_id"] > 1_500_000_000_000_000_000


def test_config_is_the_effective_one(start_server):
    server = start_server("--rest-idle-timeout=90s", env={"QUERN_CLUSTER_ID": "mill"})
    config = server.get("/api/v1/config").json()
    assert config["cluster_id"] == "mill"
    assert config["rest"]["idle_timeout"] == "90s"
    assert config["rest"]["listen_port"] == 0


@pytest.mark.parametrize("path", ["/health/livez", "/health/readyz"])
def test_health(server, path):
    answer = server.get(path)
    assert (answer.status, answer.json()) == (200, True)


def test_metrics_are_prometheus_text(server):
    answer = server.get("/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    for line in answer.text.splitlines():
        assert line.startswith("#") or re.fullmatch(r'[a-z_:]+(\{.*\})? \S+', line), line
    assert "quern_http_responses_total" in answer.text
    assert "\nquern_journal_healthy 1\n" in answer.text
    assert '\nquern_storage_operations_total{operation="put"} 0\n' in answer.text


@pytest.mark.parametrize("path", ["/", "/api/v1/_elastic", "/api/v1/_elastic/"])
def test_elasticsearch_clients_see_elasticsearch(server, path):
    answer = server.get(path)
    info = answer.json()
    assert answer.status == 200
    assert answer.headers["X-Elastic-Product"] == "Elasticsearch"
    assert set(info["version"]) == {
        "number", "build_flavor", "build_type", "build_hash", "build_date", "build_snapshot",
        "lucene_version", "minimum_wire_compatibility_version",
        "minimum_index_compatibility_version"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", info["version"]["number"])
    assert info["version"]["build_flavor"] == "default"
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", info["cluster_uuid"])
    assert info["tagline"] == "You Know, for Search"
    assert list(info) == ["name", "cluster_name", "cluster_uuid", "version", "tagline"]


def test_head_of_root(server):
    answer = server.request("HEAD", "/")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["X-Elastic-Product"] == "Elasticsearch"


def test_the_version_told_to_clients_is_a_setting(start_server):
    server = start_server("--elastic-version", "7.17.9", "--cluster-id", "c1", "--node-id", "n1")
    info = server.get("/").json()
    assert (info["version"]["number"], info["cluster_name"], info["name"]) == ("7.17.9", "c1", "n1")


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def test_browsers_are_sent_to_the_page(server):
    answer = server.get("/", BROWSER)
    assert (answer.status, answer.headers["Location"]) == (302, "/ui/")
    assert "Accept" in answer.headers["Vary"]


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/plain",
                                    "application/vnd.elasticsearch+json;compatible-with=8"])
def test_other_clients_are_not(server, accept):
    assert server.get("/", {"Accept": accept}).status == 200


@pytest.mark.parametrize("path", ["/ui", "/ui/", "/ui/search", "/ui/indexes/logs"])
def test_the_page(server, path):
    answer = server.get(path, BROWSER)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<title>Quern</title>" in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|style=", answer.text)


def test_the_files_of_the_page_exist_and_are_validated(server):
    page = server.get("/ui/").text
    files = re.findall(r'(?:href|src)="(/ui/[^"]+\.\w+)"', page)
    assert len(files) >= 3
    for path in files:
        answer = server.get(path)
        assert answer.status == 200, path
        etag = answer.headers["ETag"]
        again = server.get(path, {"If-None-Match": etag})
        assert (again.status, again.body) == (304, b""), path
    packed = server.get("/ui/", {"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body).decode() == page


def test_a_file_that_the_page_lacks(server):
    assert server.get("/ui/src/nothing.js").status == 404
    assert server.get("/ui/nothing.js").status == 404
    assert "<title>Quern</title>" in server.get("/ui/indexes/logs.web").text
    assert "root:" not in server.get("/ui/../../../../../../../../etc/passwd").text


def test_sigterm_stops_cleanly(start_server):
    server = start_server()
    assert server.get("/health/livez").status == 200
    assert server.stop() == 0
    assert server.event("stopped")["clean"] is True
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", server.port), timeout=5).close()


def test_a_second_signal_ends_the_process_at_once(start_server):
    """A request whose body never ends keeps the first signal waiting."""
    server = start_server("--shutdown-timeout=60s")
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET /api/v1/version HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        wait_until("the request to be seen",
                   lambda: "quern_http_connections 1" in server.get("/metrics").text or
                           "quern_http_connections 2" in server.get("/metrics").text)
        server.signal(signal.SIGINT)
        wait_until("the first signal", lambda: server.event("stopping"))
        server.signal(signal.SIGTERM)
        status = server.wait()
    # Either the drain was over already, or the second signal cut it short.
    assert status in (0, 128 + signal.SIGTERM)


def test_one_server_a_data_directory(start_server, quern):
    server = start_server()
    second = quern("serve", "--data-dir", str(server.data_dir), "--listen", "127.0.0.1:0")
    assert second.returncode == 3
    assert f"is in use by process {server.process.pid}" in second.stderr
    assert str(server.data_dir) in second.stderr


def test_the_data_directory_holds_everything(start_server):
    server = start_server()
    server.stop()
    assert {p.name for p in server.data_dir.iterdir()} == {
        "lock", "metastore.sqlite", "journal", "indexes", "spool"}


def test_parts_may_lie_elsewhere(start_server, tmp_path):
    server = start_server("--metastore-uri", f"sqlite://{tmp_path}/meta",
                          "--default-index-root-uri", f"file://{tmp_path}/splits")
    server.stop()
    assert (tmp_path / "meta").exists() and (tmp_path / "splits").is_dir()
    assert not (server.data_dir / "metastore.sqlite").exists()


def test_a_damaged_metastore_is_told(quern, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "metastore.sqlite").write_text("not a database" * 1000)
    done = quern("serve", "--data-dir", str(tmp_path / "d"), "--listen", "127.0.0.1:0")
    assert done.returncode == 1
    assert "metastore" in done.stderr.splitlines()[-1]


def test_the_lock_goes_with_the_process(start_server):
    server = start_server()
    server.kill()
    assert start_server(data_dir=server.data_dir).get("/health/livez").status == 200


def test_an_address_in_use_is_told(server, quern, tmp_path):
    done = quern("serve", "--data-dir", str(tmp_path / "d"), "--listen", f"127.0.0.1:{server.port}")
    assert done.returncode == 1
    assert f"127.0.0.1:{server.port}" in done.stderr


def test_ignored_settings_are_logged(start_server, tmp_path):
    path = tmp_path / "quickwit.yaml"
    path.write_text("version: 0.8\ngrpc:\n  max_message_size: 20 MiB\n")
    server = start_server("--config", str(path))
    assert "grpc: has no effect" in server.event("configuration")["message"]


def test_the_environment_names_the_file(start_server, tmp_path):
    path = tmp_path / "q.yaml"
    path.write_text("node_id: from-${WHO:-nobody}\n")
    server = start_server(env={"QUERN_CONFIG": str(path), "WHO": "file"})
    assert server.get("/api/v1/cluster").json()["self_node_id"] == "from-file"


def test_many_clients_at_once(server):
    bad = []

    def ask():
        for _ in range(20):
            if server.get("/api/v1/version").status != 200:
                bad.append(1)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not bad


def test_logs_are_json_lines(start_server):
    server = start_server("--log-level", "debug")
    server.get("/api/v1/version")
    server.stop()
    lines = [line for line in server.stderr().splitlines() if line]
    assert len(lines) >= 3
    for line in lines:
        entry = json.loads(line)
        assert entry["level"] in ("error", "warn", "info", "debug")
        assert re.fullmatch(r"[a-z0-9_]+", entry["event"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", entry["ts"])
