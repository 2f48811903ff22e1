"""Turns meson's JSON test log into the last line of tests/run: "N passed, N failed, N skipped".

A test is one line of `meson test`. A case that a test program skips by itself (Criterion prints
"[SKIP] suite::case: reason") counts as one skip more, so that no skip hides inside a passing program.
Exit status: 0 if nothing failed and at least one test passed.
"""

import json
import os
import re
import sys

PASSED = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP"}
CASE_SKIP = re.compile(r"\[SKIP\] (\S+?::\S+): (.*)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def output_of(test):
    return COLOUR.sub("", (test.get("stdout") or "") + "\n" + (test.get("stderr") or ""))


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def main(paths):
    passed = 0
    failed = []
    skipped = []
    for path in paths:
        if not os.path.exists(path):
            failed.append((path, "meson left no test log"))
            continue
        with open(path, encoding="utf-8") as log:
            for line in log:
                test = json.loads(line)
                output = output_of(test)
                if test["result"] in PASSED:
                    passed += 1
                elif test["result"] in SKIPPED:
                    skipped.append((test["name"], last_line(output)))
                else:
                    failed.append((test["name"], test["result"]))
                skipped += [(f"{test['name']} {case}", why) for case, why in CASE_SKIP.findall(output)]
    for name, why in skipped:
        print(f"skipped: {name}: {why}")
    for name, result in failed:
        print(f"failed: {name}: {result}")
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
