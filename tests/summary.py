#!/usr/bin/env python3
"""Adds up JUnit files: prints what failed and "N passed, N failed, N skipped".

A cmocka program is one test to ctest and many to us: its own closing lines are counted when there are
any. A program that died before its closing line counts as one failed test.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as ET


def count(case):
    """(passed, failed, skipped) of one <testcase>."""
    tags = {child.tag for child in case}
    out = "".join(child.text or "" for child in case if child.tag in ("system-out", "system-err"))
    numbers = {word: sum(map(int, re.findall(rf"\[ +{word} +\] (?:\w+: )?(\d+) test", out)))
               for word in ("PASSED", "FAILED", "SKIPPED")}
    bad = "failure" in tags or "error" in tags or case.get("status") == "fail"
    if bad:
        return numbers["PASSED"], max(1, numbers["FAILED"]), numbers["SKIPPED"]
    if "skipped" in tags or case.get("status") in ("notrun", "disabled"):
        return 0, 0, 1
    if numbers["PASSED"] or numbers["SKIPPED"]:
        return numbers["PASSED"], 0, numbers["SKIPPED"]
    return 1, 0, 0


def main():
    total = [0, 0, 0]
    failures = []
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.xml")):
        try:
            cases = list(ET.parse(path).getroot().iter("testcase"))
        except ET.ParseError as error:
            total[1] += 1
            failures.append(f"{path.name}: cannot be read: {error}")
            continue
        for case in cases:
            one = count(case)
            total = [a + b for a, b in zip(total, one)]
            if one[1]:
                name = f"{case.get('classname', '')} {case.get('name')}".strip()
                failures.append(f"{path.stem}: {name}")
    for line in failures:
        print("FAILED", line)
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 0 if total[1] == 0 and total[0] > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
