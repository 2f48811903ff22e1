"""The form of text files (docs/contributing.md): usage check_style.py ROOT | --self-test.

Every file: UTF-8, no trailing blanks, no carriage returns, no invisible characters, one newline at the end,
no words that mark unfinished work. C files: indented with tabs, at most 120 columns, an opening comment,
include guards named after the path.
"""

import pathlib
import re
import sys
import unicodedata

from source_tree import files, report

WIDTH = 120
BINARY = {".png", ".gz", ".zip"}
UNFINISHED = re.compile(r"\b(?:X{3}|TO" + r"DO|FIX" + r"ME|HA" + r"CK)\b")


def invisible(text):
    """Characters that a reader cannot see: controls, formats, odd spaces, look-alikes of the blank."""
    for c in text:
        category = unicodedata.category(c)
        if c not in "\t\n" and (category in ("Cc", "Cf", "Co", "Cn") or (category.startswith("Z") and c != " ")):
            return f"U+{ord(c):04X}"
    return None


def check_lines(path, text):
    problems = []
    for number, line in enumerate(text.split("\n"), 1):
        at = f"{path}:{number}"
        if line != line.rstrip():
            problems.append(f"{at}: trailing blank")
        if path.suffix in (".py", ".build") and line.startswith("\t"):
            problems.append(f"{at}: tab")
        if UNFINISHED.search(line):
            problems.append(f"{at}: unfinished: {line.strip()[:60]}")
    hidden = invisible(text)
    if hidden:
        problems.append(f"{path}: invisible character {hidden}")
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        problems.append(f"{path}: must end with one newline")
    return problems


def columns(line):
    return len(line.expandtabs(8))


def check_indentation(path, text):
    """A new statement is indented with tabs; only a continued line may be aligned with blanks."""
    problems = []
    before, in_comment = ";", False
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if columns(line) > WIDTH:
            problems.append(f"{path}:{number}: {columns(line)} columns, at most {WIDTH}")
        if re.match(r"\t* +\t", line):
            problems.append(f"{path}:{number}: tab after blanks")
        if not in_comment and line.startswith("  ") and before.endswith((";", "{", "}", ":")):
            problems.append(f"{path}:{number}: indented with blanks")
        opened = stripped.rfind("/*")
        if opened > stripped.rfind("*/"):
            in_comment = True
        elif "*/" in stripped:
            in_comment = False
        if stripped and not in_comment and not stripped.endswith("*/"):
            before = stripped
    return problems


def guard_of(path):
    """include/logstore/x.h: LOGSTORE_X_H; logstore/engine/io/x.h: LS_IO_X_H; tools/logstore/x.h: TOOL_X_H;
    elsewhere the path from the root."""
    words = list(path.with_suffix("").parts)
    if words[:2] == ["include", "logstore"]:
        words = words[1:]
    elif words[:2] == ["logstore", "engine"]:
        words = ["LS"] + words[2:]
    elif words[:2] == ["tools", "logstore"]:
        words = ["TOOL"] + words[2:]
    return re.sub(r"\W", "_", "_".join(words)).upper() + "_H"


def check_guard(path, text):
    guard = guard_of(path)
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL).strip().splitlines()
    if code[:2] != [f"#ifndef {guard}", f"#define {guard}"] or code[-1] != "#endif":
        return [f"{path}: include guard must be {guard}, around everything"]
    return []


def check_opening(path, text, has_documented_header):
    if text.startswith("/*") or (path.suffix == ".c" and has_documented_header):
        return []
    return [f"{path}: opens without a comment that says what it is for"]


def check_c(path, text, has_documented_header):
    problems = check_indentation(path, text) + check_opening(path, text, has_documented_header)
    if path.suffix == ".h":
        problems += check_guard(path, text)
    return problems


def check_bytes(path, content, has_documented_header=False):
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        return [f"{path}: not UTF-8 at byte {error.start}"]
    problems = check_lines(path, text)
    if path.suffix in (".c", ".h"):
        problems += check_c(path, text, has_documented_header)
    return problems


def documented_header(path):
    header = path.with_suffix(".h")
    return header.is_file() and header.read_text(encoding="utf-8").startswith("/*")


GOOD_C = "/* What. */\nint f(int a,\n      int b)\n{\n\treturn a +\n\t       b;\n}\n"
GOOD_H = "/* What. */\n#ifndef LS_IO_X_H\n#define LS_IO_X_H\n\nint f(void);\n\n#endif\n"
BAD = [
    ("x.c", GOOD_C.replace("/* What. */\n", "")),
    ("x.c", GOOD_C.replace("\treturn", "        return")),
    ("x.c", GOOD_C.replace("\treturn", " \treturn")),
    ("x.c", GOOD_C.replace("b;", "b; ")),
    ("x.c", GOOD_C.replace("b;", "b;" + " /* " + "x" * 110 + " */")),
    ("x.c", GOOD_C.replace("What.", "TO" + "DO: what.")),
    ("x.c", GOOD_C.replace("What.", "What.\u200b")),
    ("x.c", GOOD_C.replace("What.", "What\u00a0not.")),
    ("x.c", GOOD_C.replace("\n", "\r\n")),
    ("x.c", GOOD_C + "\n"),
    ("x.c", GOOD_C.rstrip("\n")),
    ("logstore/engine/io/x.h", GOOD_H.replace("LS_IO_X_H", "X_H")),
    ("logstore/engine/io/x.h", GOOD_H + "int g(void);\n"),
    ("logstore/engine/io/x.h", GOOD_H.replace("/* What. */\n", "")),
    ("x.py", "if a:\n\tb\n"),
]


def self_test():
    problems = []
    for name, text in (("x.c", GOOD_C), ("logstore/engine/io/x.h", GOOD_H)):
        found = check_bytes(pathlib.PurePath(name), text.encode())
        problems += [f"refused although right: {problem}" for problem in found]
    for name, text in BAD:
        if not check_bytes(pathlib.PurePath(name), text.encode()):
            problems.append(f"not noticed: {name}: {text!r}")
    if not check_bytes(pathlib.PurePath("x.md"), b"\xff\n"):
        problems.append("not noticed: bytes that are not UTF-8")
    names = {"include/logstore/io.h": "LOGSTORE_IO_H", "logstore/engine/io/io.h": "LS_IO_IO_H",
             "tests/lib/testlib.h": "TESTS_LIB_TESTLIB_H"}
    for name, guard in names.items():
        if guard_of(pathlib.PurePath(name)) != guard:
            problems.append(f"guard of {name}")
    return report(problems, f"{len(BAD) + 1} offences were noticed")


def main(argument):
    if argument == "--self-test":
        return self_test()
    root = pathlib.Path(argument)
    problems, count = [], 0
    for path in files(root):
        if path.suffix in BINARY:
            continue
        count += 1
        problems += check_bytes(path.relative_to(root), path.read_bytes(), documented_header(path))
    return report(problems, f"{count} files have the agreed form")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
