"""Every exported function has a comment of the documented form: usage check_documentation.py ROOT | --self-test.

The form is that of docs/man/public_api.py, which also makes the man pages from it.
"""

import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "docs" / "man"))
import public_api  # noqa: E402 (the path comes first)

GOOD = """/**
 * logstore_x() - does x
 * @a: units,
 *     and range
 * @ret_b: the answer
 *
 * More.
 *
 * Returns: 0 or -ENOMEM.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_x(const void *a,
                            char ret_b[23]);
"""

BAD = {
    "no comment": GOOD.replace("/**", "/*"),
    "declaration between": GOOD.replace("LOGSTORE_API", "struct y;\nLOGSTORE_API"),
    "other name": GOOD.replace("logstore_x()", "logstore_y()"),
    "parameter missing": GOOD.replace(" * @ret_b: the answer\n", ""),
    "parameter unknown": GOOD.replace("@ret_b", "@ret_c"),
    "no Returns": GOOD.replace(" * Returns: 0 or -ENOMEM.\n", ""),
    "no Threads": GOOD.replace(" * Threads: any thread.\n", ""),
    "no Blocking": GOOD.replace(" * Blocking: never.\n", ""),
    "no Since": GOOD.replace(" * Since: 0.1\n", ""),
    "empty Since": GOOD.replace("Since: 0.1", "Since:"),
    "out of order": GOOD.replace(" * Since: 0.1\n", "").replace(" * Returns", " * Since: 0.1\n * Returns"),
    "Returns of void": GOOD.replace("API int", "API void"),
}


def self_test():
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "x.h"
        path.write_text(GOOD, encoding="utf-8")
        [function] = public_api.parse_header(path)
        if function.problems or function.parameters[0].text != "units, and range":
            wrong.append(f"the good comment: {function.problems}")
        for what, text in BAD.items():
            path.write_text(text, encoding="utf-8")
            if not public_api.parse_header(path)[0].problems:
                wrong.append(f"not noticed: {what}")
    print("\n".join(wrong) or f"{len(BAD)} bad comments were noticed")
    return 1 if wrong else 0


def main(argument):
    if argument == "--self-test":
        return self_test()
    functions = public_api.parse_headers(pathlib.Path(argument).glob("include/logstore/*.h"))
    problems = [f"include/logstore/{f.header}: {f.name}(): {problem}" for f in functions for problem in f.problems]
    names = [f.name for f in functions]
    problems += [f"{name}() is declared twice" for name in sorted(set(names)) if names.count(name) > 1]
    print("\n".join(problems) or f"{len(functions)} functions are documented in full")
    return 1 if problems or not functions else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
