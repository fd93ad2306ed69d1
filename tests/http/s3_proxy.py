"""A proxy that breaks S3 requests, in every way a network and a busy server have, but never the same
request more than twice in a row, so that a client that tries again gets through."""
import http.client
import http.server
import random
import threading
import time

FAULTS = ("reset", "500", "503", "lost", "truncated", "slow", "wrong")
BUSY = (b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your rate</Message>"
        b"</Error>")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def refuse(self, status):
        self.send_response(status)
        self.send_header("Content-Length", str(len(BUSY)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(BUSY)

    def handle_any(self):
        proxy = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = proxy.choose((self.command, self.path, self.headers.get("range")))
        if fault == "reset":
            self.close_connection = True
            return
        if fault in ("500", "503"):
            self.refuse(int(fault))
            return
        if fault == "slow":
            time.sleep(0.2)
        upstream = http.client.HTTPConnection("127.0.0.1", proxy.upstream, timeout=30)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            upstream.putheader(name, value)
        upstream.endheaders(body)
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        if fault == "lost":  # it was done, but nobody learns of it
            self.close_connection = True
            return
        length = answer.getheader("Content-Length") or str(len(content))
        # Only what the client can check: the bytes of a whole object, by its ETag.
        whole = answer.getheader("Content-Range", "") == f"bytes 0-{len(content) - 1}/{len(content)}"
        etag = answer.getheader("ETag", "").strip('"')
        if fault == "wrong" and whole and len(etag) == 32:
            content = content[:-1] + bytes([content[-1] ^ 1])
            proxy.hit["wrong"] += 1
        if fault == "truncated" and len(content) > 1:
            content = content[:len(content) // 2]
            self.close_connection = True
            proxy.hit["truncated"] += 1
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "connection", "transfer-encoding", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any


class Proxy(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream, seed, rate):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream, self.rate = upstream, rate
        self.random, self.lock, self.in_a_row = random.Random(seed), threading.Lock(), {}
        self.hit = dict.fromkeys(FAULTS, 0)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # the client left

    def choose(self, request):
        method, _, ranged = request
        whole = method == "GET" and ranged is not None and ranged.startswith("bytes=0-")
        faults, rate = (("wrong", "truncated", "reset"), 0.5) if whole else (FAULTS, self.rate)
        with self.lock:
            if self.random.random() > rate or self.in_a_row.get(request, 0) >= 2:
                self.in_a_row[request] = 0
                return None
            self.in_a_row[request] = self.in_a_row.get(request, 0) + 1
            fault = self.random.choice(faults)
            if fault not in ("wrong", "truncated"):
                self.hit[fault] += 1
            return fault
