"""The command line: help, completion, the manual page, configuration commands, wrong usage."""
import json
import re
import shutil
import subprocess

import pytest


def test_help_names_every_command(quern):
    done = quern("--help")
    assert done.returncode == 0 and done.stderr == ""
    for word in ("serve", "config check", "config show", "config example", "tool split", "completion",
                 "man", "help", "version"):
        assert re.search(rf"^  {word} ", done.stdout, re.M), word
    assert quern("help").stdout == done.stdout
    bare = quern()
    assert bare.returncode == 2 and bare.stdout == done.stdout


@pytest.mark.parametrize("words", [["serve"], ["run"], ["config", "check"], ["config", "show"],
                                   ["config", "example"], ["tool", "split"], ["completion"],
                                   ["man"], ["help"], ["version"]])
def test_every_command_has_help(quern, words):
    done = quern(*words, "--help")
    assert done.returncode == 0
    assert re.search(r"^Usage$", done.stdout, re.M)
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert quern("help", *words).stdout == done.stdout
    assert quern("-h", *words).stdout == done.stdout


def test_help_of_serve_lists_every_setting(quern):
    text = quern("serve", "--help").stdout
    example = quern("config", "example").stdout
    keys, section = [], ""
    for line in example.splitlines():
        if m := re.match(r"^(\w+):$", line):
            section = m[1] + "-"
        elif m := re.match(r"^( *)([\w.]+): ", line):
            keys.append((section if m[1] else "") + m[2])
    assert len(keys) > 20
    keys.remove("version")  # of the file's format; the flag says the program's
    for key in keys:
        assert re.search(rf"^ .*--{re.sub('[._]', '-', key)} ", text, re.M), key


def test_help_of_a_group(quern):
    done = quern("help", "config")
    assert done.returncode == 0
    assert done.stdout.count("quern config ") == 3


@pytest.mark.parametrize("words,says", [
    (["sevre"], "sevre is not a command; did you mean serve?"),
    (["config"], "config is a group of commands"),
    (["config", "shwo"], "config shwo is not a command; did you mean config show?"),
    (["serve", "--data-dri", "x"], "unknown flag --data-dri; did you mean --data-dir?"),
    (["serve", "--rest-listen-prot=1"], "unknown flag --rest-listen-prot; did you mean"),
    (["version", "--data-dir", "x"], "unknown flag --data-dir"),
    (["serve", "--data-dir"], "--data-dir needs a value"),
    (["serve", "--quiet=1"], "--quiet takes no value"),
    (["serve", "extra"], 'quern serve takes no "extra"'),
    (["completion"], "quern completion takes one SHELL: bash|zsh|fish"),
    (["completion", "csh"], "csh: the shell is one of bash, zsh and fish"),
    (["serve", "--listen", "127.0.0.1:99999"], "--listen: 99999 is out of range: 0 to 65535"),
    (["serve", "--memory-limit", "5 apples"], '--memory-limit: "5 apples" is not a size'),
    (["serve", "--simd=mmx"], '--simd: "mmx" is not one of auto|scalar|'),
    (["serve", "--elastic-version", "8.x.1"], 'elastic.version: "8.x.1" is not a version'),
    (["config", "show", "-f", "toml"], "--format: toml is neither yaml nor json"),
])
def test_wrong_usage_is_told(quern, words, says):
    done = quern(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"quern: {says}")
    assert done.stderr.count("\n") == 1


def test_version(quern):
    done = quern("--version")
    assert re.fullmatch(r"quern \d+\.\d+\.\d+ \([0-9a-f]{8}, \d{4}-\d\d-\d\d, \S+, \w+\)\n",
                        done.stdout)
    assert quern("version").stdout == quern("-V").stdout == quern("serve", "-V").stdout == done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_parse(quern, shell):
    script = quern("completion", shell).stdout
    assert "data-dir" in script and "rest-listen-port" in script
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, "-n"], input=script, text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("line,expected", [
    ("quern ", {"serve", "config", "tool", "completion", "man", "help", "version", "--help",
                "--version"}),
    ("quern se", {"serve"}),
    ("quern config ", {"check", "show", "example"}),
    ("quern config show --format ", {"yaml", "json"}),
    ("quern serve --simd avx", {"avx2", "avx512", "avx512vp2"}),
    ("quern serve --data-", {"--data-dir"}),
    ("quern run --rest-listen", {"--rest-listen-port"}),
    ("quern completion ", {"bash", "zsh", "fish"}),
])
def test_bash_completes(quern, line, expected):
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    words = line.split(" ")
    script = (quern("completion", "bash").stdout +
              f"COMP_WORDS=({' '.join(repr(w) for w in words)}); COMP_CWORD={len(words) - 1}\n"
              '_quern; printf "%s\\n" "${COMPREPLY[@]}"\n')
    done = subprocess.run(["bash", "--norc"], input=script, text=True, capture_output=True)
    got = set(done.stdout.split())
    assert done.stderr == ""
    assert expected <= got
    assert {w for w in got if not w.startswith("--")} <= expected


def test_the_manual_page_is_clean_troff(quern):
    page = quern("man").stdout
    for section in ("NAME", "SYNOPSIS", "COMMANDS", "SETTINGS", "ENVIRONMENT", "EXIT STATUS"):
        assert f".SH {section}\n" in page
    assert not [line for line in page.splitlines() if line.startswith("'")]
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    done = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8"], input=page, text=True,
                          capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_example_configuration_is_valid(quern, tmp_path):
    (tmp_path / "quern.yaml").write_text(quern("config", "example").stdout)
    done = quern("config", "check")
    assert (done.returncode, done.stdout) == (0, "OK: quern.yaml\n")
    assert "# environment" not in quern("config", "show").stdout


def test_show_says_where_values_come_from(quern, tmp_path):
    (tmp_path / "q.yaml").write_text("node_id: a\ncluster_id: ${CLUSTER:-c0}\n")
    env = {"QW_LISTEN_ADDRESS": "0.0.0.0", "QUERN_REST_LISTEN_PORT": "1"}
    words = ["config", "show", "-c", "q.yaml", "--rest-listen-port", "2"]
    text = quern(*words, env=env).stdout
    assert 'node_id: "a"  # file\n' in text
    assert 'cluster_id: "c0"  # file\n' in text
    assert 'listen_address: "0.0.0.0"  # environment\n' in text
    assert "  listen_port: 2  # flag\n" in text
    assert 'simd: auto  # default\n' in text
    tree = json.loads(quern(*words, "--format=json", env=env).stdout)
    assert tree["rest"]["listen_port"] == 2 and tree["listen_address"] == "0.0.0.0"


@pytest.mark.parametrize("text,says", [
    ("rest:\n  listen_prot: 1\n", "q.yaml:2:3: rest.listen_prot: unknown key; did you mean "
                                  "rest.listen_port?"),
    ("data_dir: ${NOWHERE}\n", "q.yaml:1:11: ${NOWHERE}: the environment variable is not set"),
    ("a: [\n", "q.yaml:2:1: "),
    ("node_id: \xff\n", None),
])
def test_mistakes_in_the_file_are_located(quern, tmp_path, text, says):
    (tmp_path / "q.yaml").write_bytes(text.encode("latin-1"))
    done = quern("config", "check", "--config", "q.yaml")
    assert done.returncode == 2
    assert done.stderr.startswith(f"quern: {says or 'q.yaml:1:'}")


def test_a_named_file_must_exist(quern):
    for done in (quern("config", "check", "--config", "none.yaml"),
                 quern("config", "check", env={"QW_CONFIG": "none.yaml"})):
        assert done.returncode == 2 and "none.yaml" in done.stderr
