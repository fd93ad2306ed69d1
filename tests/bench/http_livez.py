#!/usr/bin/env python3
"""wrk on /health/livez, keep-alive: the front against libmicrohttpd with nothing around it.

Both run in the same minute, in turns, and the best of each counts; the goal is 80 % or more.
  tests/bench/http_livez.py [--build build/bench] [--quern build/release/quern] [--seconds 3]
"""
import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

GOAL = 0.80


def start(command):
    """A program that prints its port and ends with its standard input."""
    proc = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return proc, int(proc.stdout.readline())


def start_quern(binary, data_dir):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    proc = subprocess.Popen([binary, "serve", "--data-dir", data_dir, "--listen",
                             f"127.0.0.1:{port}"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return proc, port
        except OSError:
            time.sleep(0.02)
    sys.exit("quern did not start")


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(proc, port, seconds, connections, path):
    before = cpu_seconds(proc.pid)
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
                          f"http://127.0.0.1:{port}{path}"],
                         capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        sys.exit(out)
    rps = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    total = int(re.search(r"(\d+) requests in", out).group(1))
    return rps, (cpu_seconds(proc.pid) - before) / total * 1e6


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--build", default="build/bench")
    ap.add_argument("--quern", help="measure this product too")
    ap.add_argument("--seconds", type=int, default=3)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--connections", type=int, default=64)
    args = ap.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed")
    programs = [("bare libmicrohttpd", "/health/livez", *start([f"{args.build}/tests/bench_http_bare"])),
                ("front, io thread", "/health/livez", *start([f"{args.build}/tests/bench_http_front"]))]
    programs.append(("front, worker", "/worker", *programs[1][2:]))
    with tempfile.TemporaryDirectory() as data_dir:
        if args.quern:
            programs.append(("quern serve", "/health/livez", *start_quern(args.quern, data_dir)))
        best = {}
        for _ in range(args.rounds):
            for name, path, proc, port in programs:
                got = load(proc, port, args.seconds, args.connections, path)
                best[name] = max(best.get(name, (0, 0)), got)
        bare = best[programs[0][0]][0]
        print(f"{'program':<20}{'rps':>10}{'us CPU/req':>12}{'of bare':>9}")
        for name, (rps, cpu) in best.items():
            print(f"{name:<20}{rps:>10.0f}{cpu:>12.1f}{rps / bare:>9.0%}")
        for proc in {p[2] for p in programs}:
            proc.stdin.close()
            if args.quern and proc is programs[-1][2]:
                proc.terminate()
            proc.wait()
    worst = min(best[name][0] for name in best if "bare" not in name and "worker" not in name)
    print(f"livez at {worst / bare:.0%} of bare, goal {GOAL:.0%}")
    return 0 if worst / bare >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
