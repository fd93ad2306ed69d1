#!/usr/bin/env python3
"""Files and functions stay small.

A C file of more than 800 lines needs a reason ("Long because ...") in its head comment; more than
1,200 lines fail. A function of more than 120 lines fails. Functions of more than 60 lines are listed,
as a smell.
"""
import pathlib
import re
import sys

FILE_NEEDS_REASON, FILE_FAILS = 800, 1200
FUNCTION_SMELLS, FUNCTION_FAILS = 60, 120


def functions(lines):
    """(name, first line, length) of each function: its body opens and closes in column 0."""
    start = None
    for i, line in enumerate(lines):
        if line.startswith("{"):
            start = i
        elif line.startswith("}") and start is not None:
            head = start - 1
            while head > 0 and lines[head][:1] in (" ", "\t", ""):
                head -= 1
            names = re.findall(r"(\w+)\s*\(", " ".join(lines[head:start]))
            if re.match(r"^\}\s*$", line):
                yield (names[0] if names else "?"), start, i - start + 1
            start = None


def main():
    root = pathlib.Path(sys.argv[1])
    failures, smells, n_files = [], [], 0
    for top in ("engine", "server", "tests"):
        for path in sorted((root / top).rglob("*.[ch]")):
            lines = path.read_text(encoding="utf-8").splitlines()
            name = path.relative_to(root)
            n_files += 1
            if len(lines) > FILE_FAILS:
                failures.append(f"{name}: {len(lines)} lines, at most {FILE_FAILS}")
            elif len(lines) > FILE_NEEDS_REASON and "Long because" not in "\n".join(lines[:60]):
                failures.append(f"{name}: {len(lines)} lines and no \"Long because ...\" in its "
                                "head comment")
            for function, start, length in functions(lines):
                where = f"{name}:{start + 1}: {function} has {length} lines"
                if length > FUNCTION_FAILS:
                    failures.append(f"{where}, at most {FUNCTION_FAILS}")
                elif length > FUNCTION_SMELLS:
                    smells.append(where)
    for line in smells:
        print("smell:", line)
    for line in failures:
        print("FAIL:", line)
    print(f"{n_files} files, {len(smells)} long functions, {len(failures)} failures")
    return 1 if failures or n_files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
