"""Formats every man page below some folders without a warning: usage check_man.py FOLDER...

groff is asked, and mandoc where it is installed. Without either the check is skipped (status 77).
"""

import pathlib
import shutil
import subprocess
import sys

# No date: the same headers give the same pages on any day.
HARMLESS = ("missing date",)


def commands():
    found = []
    if shutil.which("groff"):
        found.append(["groff", "-ww", "-mandoc", "-Tutf8", "-z"])
    if shutil.which("mandoc"):
        found.append(["mandoc", "-T", "lint", "-W", "warning"])
    return found


def complaints(command, page):
    result = subprocess.run([*command, page], capture_output=True, text=True)
    lines = (result.stdout + result.stderr).splitlines()
    return [f"{page.name}: {line}" for line in lines if not any(word in line for word in HARMLESS)]


def main(folders):
    pages = [page for folder in folders for page in sorted(pathlib.Path(folder).glob("*.[1-9]")) if page.is_file()]
    tools = commands()
    if not tools:
        print("neither groff nor mandoc is installed")
        return 77
    problems = [line for page in pages for command in tools for line in complaints(command, page)]
    print("\n".join(problems) or f"{len(pages)} pages, checked by {' and '.join(tool[0] for tool in tools)}")
    return 1 if problems or not pages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
