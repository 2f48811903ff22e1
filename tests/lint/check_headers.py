"""Every header compiles alone: usage check_headers.py ROOT public|internal -- COMPILER [ARGUMENT...].

Public headers see include/ only. The compiler command is given with its flags, those for the language last.
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys

from source_tree import files, report


def compiles(compiler, includes, name):
    """Compiles a file of two inclusions of the header: it stands alone, and its guard works."""
    source = f"#include {name}\n#include {name}\ntypedef int not_empty;\n"
    flags = [f"-I{folder}" for folder in includes]
    result = subprocess.run([*compiler, *flags, "-fsyntax-only", "-"], input=source, capture_output=True, text=True)
    return None if result.returncode == 0 else f"{name}:\n{result.stderr.strip()}"


def main(root, kind, separator, *compiler):
    root = pathlib.Path(root)
    includes = [root / "include"]
    if kind == "public":
        names = [f"<logstore/{path.name}>" for path in files(root / "include", ".h")]
    else:
        engine = root / "logstore" / "engine"
        includes.append(engine)
        names = [f'"{path.relative_to(engine)}"' for path in files(engine, ".h")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda name: compiles(compiler, includes, name), names))
    problems = [result for result in results if result]
    if separator != "--" or not names:
        problems.append("usage, or no headers found")
    return report(problems, f"{len(names)} headers compile on their own")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
