"""What the libraries show: usage check_symbols.py ROOT SHARED_LIBRARY STATIC_LIBRARY.

The shared library exports exactly the functions declared with LOGSTORE_API in include/logstore. The static
one exposes every function that crosses a file; each begins with logstore_ or ls_, so that it cannot meet a
name of the program it is linked into.
"""

import pathlib
import re
import subprocess
import sys

from source_tree import report

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "docs" / "man"))
import public_api  # noqa: E402 (the path comes first)

OURS = re.compile(r"^(logstore|ls)_[a-z0-9_]+$")
# What sanitizers add beside each object: not part of any interface.
INSTRUMENTATION = re.compile(r"^(__odr_asan|__asan|__ubsan|__tsan|__sanitizer|__start_|__stop_|___asan|\.)")


def defined_symbols(library, *options):
    """Names of global symbols that a library defines, without a version."""
    out = subprocess.run(["nm", "--defined-only", "--extern-only", "--format=posix", *options, library],
                         check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in out.splitlines() if len(line.split()) >= 2 and not line.endswith("]:")]
    names = {row[0].split("@")[0] for row in rows if row[1] not in "Aa"}
    return {name for name in names if not INSTRUMENTATION.match(name)}


def main(root, shared, static):
    headers = pathlib.Path(root).glob("include/logstore/*.h")
    declared = {function.name for function in public_api.parse_headers(headers)}
    exported = defined_symbols(shared, "--dynamic")
    exposed = defined_symbols(static)
    problems = [f"declared but not exported: {name}" for name in sorted(declared - exported)]
    problems += [f"exported but not declared: {name}" for name in sorted(exported - declared)]
    problems += [f"missing in the static library: {name}" for name in sorted(declared - exposed)]
    problems += [f"without prefix in the static library: {name}"
                 for name in sorted(exposed) if not OURS.match(name)]
    return report(problems, f"{len(exported)} exported symbols, {len(exposed)} in the static library")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
