#!/usr/bin/env python3
"""Start-up to ready, memory when idle, and size of the release.

    startup.py [--quern build/release/quern] [--runs 20]

Ready is when GET /health/readyz answers 200; the clock runs from fork. Idle memory is VmRSS two
seconds after the last request; `anonymous` is the part of it that is not a file's pages.
"""
import argparse
import pathlib
import socket
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def is_ready(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as s:
            s.sendall(b"GET /health/readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return s.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def start(quern, folder):
    port = free_port()
    begin = time.perf_counter()
    process = subprocess.Popen([quern, "serve", "--data-dir", folder, "--listen", f"127.0.0.1:{port}"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    while not is_ready(port):
        if process.poll() is not None:
            raise SystemExit(f"{quern} ended with status {process.returncode}")
        time.sleep(0.0002)
    return process, (time.perf_counter() - begin) * 1000


def memory(pid):
    fields = {}
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("VmRSS", "RssAnon", "Threads"):
            fields[name] = int(value.split()[0])
    return fields


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    args.add_argument("--quern", default=str(ROOT / "build/release/quern"))
    args.add_argument("--runs", type=int, default=20)
    opt = args.parse_args()
    times = []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(opt.runs):
            process, ms = start(opt.quern, folder)
            times.append(ms)
            if i == opt.runs - 1:
                time.sleep(2)
                idle = memory(process.pid)
            process.terminate()
            process.wait()
        stripped = pathlib.Path(folder) / "stripped"
        subprocess.run(["strip", "-o", stripped, opt.quern], check=True)
        size = stripped.stat().st_size
    times.sort()
    print(f"start-up to ready   median {statistics.median(times):.1f} ms, fastest {times[0]:.1f}, "
          f"slowest {times[-1]:.1f} of {len(times)}")
    print(f"idle memory         {idle['VmRSS'] / 1024:.1f} MiB, anonymous {idle['RssAnon'] / 1024:.1f} MiB, "
          f"{idle['Threads']} threads")
    print(f"stripped binary     {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
