#!/usr/bin/env python3
"""The C program of README.md, compiled as it stands there and run: it must print what it appended.

usage: test_readme.py README INCLUDE_DIR LIBRARY -- COMPILER...
"""

import os
import re
import subprocess
import sys
import tempfile


def main(readme, include, library, compiler):
    with open(readme, encoding="utf-8") as file:
        programs = re.findall(r"^```c\n(.*?)^```$", file.read(), re.S | re.M)
    if len(programs) != 1:
        sys.exit(f"{readme} holds {len(programs)} C programs, not one")
    library = os.path.abspath(library)
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "hello.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(programs[0])
        subprocess.run([*compiler, "-std=c17", "-Wall", "-Wextra", "-Werror", "-I", include, source, "-o",
                        os.path.join(folder, "hello"), library, f"-Wl,-rpath,{os.path.dirname(library)}"],
                       check=True)
        done = subprocess.run(["./hello"], cwd=folder, capture_output=True, text=True, check=False)
        if (done.returncode, done.stdout) != (0, "hello\n"):
            sys.exit(f"status {done.returncode}, printed {done.stdout!r}, {done.stderr!r}")


if __name__ == "__main__":
    split = sys.argv.index("--")
    main(*sys.argv[1:split], sys.argv[split + 1:])
