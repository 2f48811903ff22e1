"""tests/lib/summary.py counts what meson's log says: every result, skipped cases, a log that is missing."""

import json
import pathlib
import subprocess
import sys
import tempfile

from source_tree import report

SUMMARY = pathlib.Path(__file__).resolve().parent.parent / "lib" / "summary.py"

CASES = [
    ([("a", "OK", ""), ("b", "EXPECTEDFAIL", "")], 0, "2 passed, 0 failed, 0 skipped"),
    ([("a", "OK", ""), ("b", "FAIL", ""), ("c", "TIMEOUT", ""), ("d", "UNEXPECTEDPASS", ""), ("e", "ERROR", ""),
      ("f", "INTERRUPT", "")], 1, "1 passed, 5 failed, 0 skipped"),
    ([("a", "OK", ""), ("b", "SKIP", "no Java here\n")], 0, "1 passed, 0 failed, 1 skipped"),
    ([("a", "OK", "[\x1b[0;33mSKIP\x1b[0m] suite::case: \x1b[0;1mnot root\x1b[0m\n[PASS] suite::other: (0.00s)\n")],
     0, "1 passed, 0 failed, 1 skipped"),
    ([("a", "SKIP", "")], 1, "0 passed, 0 failed, 1 skipped"),
    ([], 1, "0 passed, 0 failed, 0 skipped"),
]


def summarize(path):
    result = subprocess.run([sys.executable, SUMMARY, path], capture_output=True, text=True)
    return result.returncode, result.stdout


def main():
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "testlog.json"
        for tests, status, line in CASES:
            rows = [json.dumps({"name": name, "result": result, "stderr": text}) for name, result, text in tests]
            path.write_text("".join(row + "\n" for row in rows), encoding="utf-8")
            got, out = summarize(path)
            if got != status or out.splitlines()[-1] != line:
                problems.append(f"wanted {status} and {line!r}, got {got} and {out!r}")
            problems += [f"no reason: {out!r}" for word in ("no Java here", "not root") if word in str(tests)
                         and word not in out]
        got, out = summarize(pathlib.Path(folder) / "missing.json")
        if got != 1 or out.splitlines()[-1] != "0 passed, 1 failed, 0 skipped":
            problems.append(f"missing log: {got} and {out!r}")
    return report(problems, f"{len(CASES) + 1} logs were counted right")


if __name__ == "__main__":
    sys.exit(main())
