#!/usr/bin/env python3
"""The walls between layers hold: five deliberate violations each fail the build, readably.

A copy of the tree is configured with its walls on; each violation is put in, the build is seen to
fail with a message that names the culprit, and is taken out again. Before and after, it builds.

    check_layers.py SOURCE_DIR [C_COMPILER]
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

PROBE = "qn_wall_probe"


class Scratch:
    def __init__(self, source, where, compiler):
        self.source = where / "tree"
        self.build = where / "build"
        self.compiler = compiler
        keep_out = shutil.ignore_patterns("build", ".git", "node_modules", "__pycache__", "corpus")
        shutil.copytree(source, self.source, ignore=keep_out, symlinks=True)

    def run(self, *command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env={**os.environ, "LC_ALL": "C"})
        return done.returncode, done.stdout

    def configure(self):
        return self.run("cmake", "-S", str(self.source), "-B", str(self.build), "-G", "Ninja",
                        "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS_DEBUG=-O0", "-DQN_WALLS=ON",
                        *([f"-DCMAKE_C_COMPILER={self.compiler}"] if self.compiler else []))

    def make(self, *targets):
        code, out = self.configure()
        if code != 0:
            return code, out
        return self.run("cmake", "--build", str(self.build), "-j2", "--target", *targets)

    def write(self, path, text):
        (self.source / path).write_text(text)

    def remove(self, path):
        (self.source / path).unlink()


def violations():
    """(what, files to add, (file, from, to) to edit, targets, what the output must say)"""
    body = f"int {PROBE}(void);\nint {PROBE}(void)\n{{\n    return 0;\n}}\n"
    yield ("an include of an upper layer",
           {f"engine/base/{PROBE}.c": f'#include "os/file.h"\n{body}'}, None, ["base"],
           [rf"base/{PROBE}\.c", r"os/file\.h: No such file"])
    yield ("an include of another layer's private header",
           {f"engine/journal/{PROBE}.c": f'#include "os/poll_int.h"\n{body}'}, None, ["journal"],
           [rf"journal/{PROBE}\.c", r"os/poll_int\.h: No such file"])
    yield ("a cycle of layers",
           {}, ("engine/CMakeLists.txt", "DIR base      ", "DIR base      DEPS os "), ["base"],
           [r"cycl|strongly connected component", r'"base"', r'"os"'])
    yield ("a hand-written extern to an upper layer",
           {f"engine/base/{PROBE}.c":
            f"int qn_fs_exists(void *fs, const char *path);\nint {PROBE}(void);\n"
            f'int {PROBE}(void)\n{{\n    return qn_fs_exists(0, "");\n}}\n'}, None, ["base_links"],
           [PROBE, r"undefined reference to .qn_fs_exists'"])
    yield ("a public header that includes a private one",
           {f"engine/os/{PROBE}.h": '#include "poll_int.h"\n'}, None, ["os_headers"],
           [rf"os/{PROBE}\.h", r"poll_int\.h: No such file"])


def check(scratch, what, added, edit, targets, wanted):
    for path, text in added.items():
        scratch.write(path, text)
    if edit:
        path, old, new = edit
        before = (scratch.source / path).read_text()
        assert before.count(old) == 1, f"{path} has changed: \"{old}\" must be there once"
        scratch.write(path, before.replace(old, new))
    code, out = scratch.make(*targets)
    if edit:
        scratch.write(path, before)
    for path in added:
        scratch.remove(path)
    missing = [w for w in wanted if not re.search(w, out)]
    if code != 0 and not missing:
        line = next(l.strip() for l in out.splitlines() if re.search(wanted[-1], l))
        print(f"ok: {what}: {line[:150]}")
        return True
    print(f"FAIL: {what}:", "it builds" if code == 0 else f"the output lacks {missing}")
    print("\n".join(out.splitlines()[-30:]))
    return False


def main():
    source = pathlib.Path(sys.argv[1]).resolve()
    compiler = sys.argv[2] if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory(prefix="quern-walls-") as where:
        scratch = Scratch(source, pathlib.Path(where), compiler)
        good = ["base", "os", "base_links", "base_headers", "os_headers"]
        code, out = scratch.make(*good)
        if code != 0:
            print("FAIL: the tree as it is does not build:\n" + out[-3000:])
            return 1
        results = [check(scratch, *v) for v in violations()]
        code, out = scratch.make(*good)
        if code != 0:
            print("FAIL: the tree does not build after the violations were taken out:\n" + out[-3000:])
            return 1
    print(f"{sum(results)} of {len(results)} violations fail the build")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
