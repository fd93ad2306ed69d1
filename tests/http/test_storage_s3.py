"""The storage conformance test against real S3 servers, which check signatures: OpenStack swift (no
conditional puts). Once directly, once through a proxy that breaks requests. The servers are those of
Debian, from tests/packages-long.txt; without them the tests are skipped."""
import datetime
import hashlib
import hmac
import http.client
import os
import pathlib
import shutil
import socket
import subprocess
import time

import pytest
from conftest import binary, wait_until
from s3_proxy import Proxy

BUCKET = "qn-test"
SWIFT = ("swift-proxy-server", "swift-account-server", "swift-container-server",
         "swift-object-server", "swift-ring-builder", "memcached")
PROXY_CONF = """[pipeline:main]
pipeline = catch_errors gatekeeper cache listing_formats bulk s3api tempauth slo copy proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{memcached}
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
[filter:copy]
use = egg:swift#copy
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def signed(port, key, secret, method, path):
    """The status of a request without a body, signed with AWS signature V4."""
    date = datetime.datetime.utcnow().strftime("%Y%m%dT%H%M%SZ")
    empty = hashlib.sha256(b"").hexdigest()
    headers = {"host": f"127.0.0.1:{port}", "x-amz-content-sha256": empty, "x-amz-date": date}
    names = ";".join(headers)
    lines = "".join(f"{k}:{v}\n" for k, v in headers.items())
    canonical = f"{method}\n{path}\n\n{lines}\n{names}\n{empty}"
    scope = f"{date[:8]}/us-east-1/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    mac = ("AWS4" + secret).encode()
    for part in scope.split("/") + [text]:
        mac = hmac.new(mac, part.encode(), hashlib.sha256).digest()
    headers["Authorization"] = (f"AWS4-HMAC-SHA256 Credential={key}/{scope}, "
                                f"SignedHeaders={names}, Signature={mac.hex()}")
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request(method, path, headers=headers)
        return connection.getresponse().status
    except OSError:
        return 0


def launch_swift(root):
    """Starts the servers in an empty directory; gives their processes and the proxy's port."""
    (root / "srv" / "d1").mkdir(parents=True)
    user = subprocess.run(["id", "-un"], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()
    ports = {name: free_port() for name in ("proxy", "account", "container", "object", "memcached")}
    (root / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = x\n"
                                     "[storage-policy:0]\nname = default\ndefault = yes\n")
    for name in ("account", "container", "object", "proxy"):
        default = (f"[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = {ports[name]}\nuser = {user}\n"
                   f"swift_dir = {root}\ndevices = {root}/srv\nmount_check = false\nworkers = 0\n"
                   f"log_level = ERROR\nrecon_cache_path = {root}\n")
        rest = (PROXY_CONF.format(**ports) if name == "proxy" else
                f"[pipeline:main]\npipeline = {name}-server\n"
                f"[app:{name}-server]\nuse = egg:swift#{name}\n")
        (root / f"{name}.conf").write_text(default + rest)
        if name != "proxy":
            for words in (["create", "4", "1", "0"],
                          ["add", f"r1z1-127.0.0.1:{ports[name]}/d1", "1"], ["rebalance"]):
                subprocess.run(["swift-ring-builder", f"{name}.builder", *words], cwd=root,
                               stdout=subprocess.DEVNULL, check=False)
    env = {**os.environ, "SWIFT_DIR": str(root), "LC_ALL": "C.UTF-8"}
    commands = [["memcached", "-l", "127.0.0.1", "-p", str(ports["memcached"]), "-u", user]]
    commands += [[f"swift-{n}-server", str(root / f"{n}.conf")]
                 for n in ("account", "container", "object", "proxy")]
    with open(root / "log", "wb") as log:
        return [subprocess.Popen(c, env=env, stdout=log, stderr=log) for c in commands], ports["proxy"]


def end(processes):
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def swift(tmp_path_factory):
    missing = [p for p in SWIFT if shutil.which(p) is None]
    if missing:
        pytest.skip(f"no S3 server: {missing[0]} is not installed (tests/packages-long.txt)")
    for _ in range(3):  # a free port may be taken by another before swift has it
        processes, port = launch_swift(tmp_path_factory.mktemp("swift"))
        try:
            try:
                wait_until("swift to make a bucket", lambda: signed(
                    port, "test:tester", "testing", "PUT", f"/{BUCKET}") in (200, 409), 30)
            except pytest.fail.Exception:
                continue
            yield port
            return
        finally:
            end(processes)
    pytest.skip("no S3 server: swift was started three times and did not come up")


def conformance(port, secret="testing", bucket=BUCKET, only=None):
    program = pathlib.Path(binary()).parent / "tests" / "storage_conformance_test"
    if not program.exists():
        pytest.skip(f"{program} is not built")
    env = {**os.environ, "QN_STORAGE_URI": f"s3://{bucket}", "no_proxy": "127.0.0.1",
           "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "test:tester",
           "AWS_SECRET_ACCESS_KEY": secret}
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        env.pop(name, None)
    return subprocess.run([str(program)], env=env, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=280)


def test_conformance(swift):
    ran = conformance(swift)
    assert ran.returncode == 0, ran.stdout[-5000:]


def test_conformance_through_faults(swift):
    proxy = Proxy(swift, seed=1, rate=0.25)
    started = time.monotonic()
    try:
        ran = conformance(proxy.port)
    finally:
        proxy.shutdown()
        proxy.server_close()
    assert ran.returncode == 0, ran.stdout[-5000:]
    assert all(n > 0 for n in proxy.hit.values()), proxy.hit
    assert time.monotonic() - started < 280


def test_refusals_are_errors_not_answers(swift):
    wrong = conformance(swift, secret="wrong")
    assert wrong.returncode != 0 and "ACCESS" in wrong.stdout, wrong.stdout[-3000:]
    gone = conformance(swift, bucket="no-such-bucket")
    assert gone.returncode != 0 and "UNAVAILABLE" in gone.stdout, gone.stdout[-3000:]
    for ran in (wrong, gone):  # failed tests leak; nothing else may be wrong
        assert "ERROR: AddressSanitizer" not in ran.stdout, ran.stdout[-3000:]
        assert "ThreadSanitizer" not in ran.stdout and "runtime error" not in ran.stdout, ran.stdout
