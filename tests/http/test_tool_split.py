"""quern tool split, on the golden file."""
import pathlib

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "split_v1.split"


def test_describe(quern):
    done = quern("tool", "split", "describe", str(GOLDEN))
    assert done.returncode == 0 and done.stderr == ""
    for word in ("docs", "columns", "norms", "positions", "postings", "terms", "absence"):
        assert f"\n{word} " in done.stdout, word
    assert "1200" in done.stdout and "\nbody\n" in done.stdout


def test_verify(quern, tmp_path):
    done = quern("tool", "split", "verify", str(GOLDEN))
    assert done.returncode == 0 and done.stdout == f"OK: {GOLDEN}\n"
    damaged = bytearray(GOLDEN.read_bytes())
    damaged[100] ^= 1
    (tmp_path / "bad.split").write_bytes(damaged)
    done = quern("tool", "split", "verify", str(tmp_path / "bad.split"))
    assert done.returncode == 1 and done.stdout == ""
    assert "bad.split: section docs at 0," in done.stderr


def test_dump(quern):
    done = quern("tool", "split", "dump", str(GOLDEN))
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 1200
    done = quern("tool", "split", "dump", "--field", "level", str(GOLDEN))
    assert done.stdout == "12\tERROR\n1018\tINFO\n170\tWARN\n"
    done = quern("tool", "split", "dump", "-f", "absent", str(GOLDEN))
    assert done.returncode == 1 and "no field absent with terms" in done.stderr


def test_wrong_usage(quern):
    assert quern("tool", "split", "eat", str(GOLDEN)).returncode == 2
    done = quern("tool", "split", "verify")
    assert done.returncode == 2 and "takes describe|verify|dump FILE" in done.stderr
    assert quern("tool", "split", "verify", "/nowhere/x.split").returncode == 1
