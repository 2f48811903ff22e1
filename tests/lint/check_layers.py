"""The direction of includes (docs/architecture.md): usage check_layers.py ROOT | --self-test.

- An engine folder includes itself and what stands left of it; format and io do not know each other.
- Tools, the broker and public headers reach the engine through <logstore/...> alone.
- *_internal.h stays in its folder and that folder's unit tests. No "../". A source file includes its own header first.
- format makes no system calls at all; outside base and io nobody includes headers of calls on files.
- Every source file is named in a meson.build; none is found by a glob.
"""

import pathlib
import re
import sys

from source_tree import files, report

# What a folder of logstore/engine may include beside itself.
ENGINE = {
    "base": set(),
    "format": {"base"},
    "io": {"base"},
    "segment": {"base", "format", "io"},
    "partition": {"base", "format", "io", "segment"},
    "cleaner": {"base", "format", "io", "segment", "partition"},
    "store": {"base", "format", "io", "segment", "partition", "cleaner"},
    "api": {"base", "format", "io", "segment", "partition", "cleaner", "store"},
}
FILE_CALLS = {"fcntl.h", "dirent.h", "sys/stat.h", "sys/mman.h", "sys/uio.h", "sys/file.h", "liburing.h"}
NOT_PURE = FILE_CALLS | {"unistd.h", "pthread.h", "time.h", "sys/time.h", "sys/random.h", "threads.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def includes(text):
    return [(bracket == '"', name) for bracket, name in INCLUDE.findall(text)]


def layer_of(path):
    return path.parts[2] if path.parts[:2] == ("logstore", "engine") and len(path.parts) > 3 else None


def tested_layer(path):
    return path.parts[2] if path.parts[:2] == ("tests", "unit") and len(path.parts) > 3 else None


def wrong_system_header(layer, name):
    if layer == "format":
        return name in NOT_PURE
    return layer in ENGINE and layer not in ("base", "io") and name in FILE_CALLS


def allowed_folders(path):
    """Engine folders that a file may include with quotes; None where any may (fuzz targets)."""
    layer = layer_of(path)
    if layer is not None:
        return ENGINE.get(layer, set()) | {layer}
    if tested_layer(path):
        return ENGINE.get(tested_layer(path), set()) | {tested_layer(path)}
    if path.parts[:2] == ("tests", "lib"):
        return {"base"}
    if path.parts[0] in ("fuzz", "tests"):
        return set(ENGINE)
    return set()


def quoted_problem(path, name, exists):
    """Why `#include "name"` in path is wrong, or None."""
    folder = pathlib.PurePath(name).parts[0]
    if "/" in name and folder in ENGINE and exists(pathlib.PurePath("logstore/engine") / name):
        if folder not in allowed_folders(path):
            return f"{'/'.join(path.parts[:-1])} may not use {folder}"
        if name.endswith("_internal.h") and folder not in (layer_of(path), tested_layer(path)):
            return f"private header of {folder}"
        return None
    if layer_of(path) is not None or path.parts[0] == "include":
        return 'engine headers are included as "folder/name.h", public ones as <logstore/name.h>'
    near = [path.parent / name, pathlib.PurePath(path.parts[0]) / name, pathlib.PurePath("tests/lib") / name]
    if path.parts[:2] == ("logstore", "broker"):
        near.append(pathlib.PurePath("logstore/broker") / name)
    return None if any(exists(place) for place in near) else "not a header of its own"


def own_header_first(layer, own, found):
    """Whether a source file begins with its header; one that uses a private header may sort it in there."""
    private = any(name.startswith(f"{layer}/") and name.endswith("_internal.h") for _, name in found)
    return private or found[:1] == [(True, f"{layer}/{own.name}")]


def check_file(path, text, exists):
    """Problems of one file; path is relative to the root, exists() answers for such paths."""
    found = includes(text)
    problems = []
    for quoted, name in found:
        why = None
        if "../" in name or name.startswith("/"):
            why = "includes are rooted, never relative"
        elif quoted:
            why = quoted_problem(path, name, exists)
        elif name.startswith("logstore/"):
            why = None if exists(pathlib.PurePath("include") / name) else "no such public header"
        elif pathlib.PurePath(name).parts[0] in ENGINE:
            why = "engine headers are included with quotes"
        elif wrong_system_header(layer_of(path), name):
            why = "only io makes system calls on files, and format none at all"
        if why:
            problems.append(f"{path}: {name}: {why}")
    own = path.with_suffix(".h")
    layer = layer_of(path)
    if path.suffix == ".c" and layer and exists(own) and not own_header_first(layer, own, found):
        problems.append(f"{path}: its own header comes first")
    return problems


def unlisted(root, path):
    """Whether no meson.build from the file's folder upwards names it (tests and fuzz targets: by their subject)."""
    stem = re.sub(r"^(test|fuzz)_", "", path.stem)
    words = re.compile(rf"(?<!\w)({re.escape(path.name)}|{re.escape(path.stem)}|{re.escape(stem)})(?!\w)")
    for folder in path.parents:
        build = root / folder / "meson.build"
        if build.is_file() and words.search(build.read_text(encoding="utf-8")):
            return False
    return True


def check_builds(root):
    problems = []
    for path in files(root):
        relative = path.relative_to(root)
        if path.name == "meson.build" and re.search(r"\bglob\b|run_command\([^)]*'(find|ls)'",
                                                    path.read_text(encoding="utf-8")):
            problems.append(f"{relative}: sources are listed, not searched for")
        if path.suffix == ".c" and unlisted(root, relative):
            problems.append(f"{relative}: no meson.build names it")
    return problems


def self_test():
    """Each rule refuses what it is for, and lets the right thing pass."""
    present = {"logstore/engine/base/buf.h", "logstore/engine/format/batch.h", "logstore/engine/io/io.h",
               "logstore/engine/segment/segment.h", "logstore/engine/segment/segment_internal.h",
               "include/logstore/types.h", "tools/options.h", "tests/lib/testlib.h"}
    right = [
        ("logstore/engine/format/batch.c", '#include "format/batch.h"\n#include "base/buf.h"\n#include <string.h>'),
        ("logstore/engine/segment/read.c", '#include "segment/segment_internal.h"\n#include "io/io.h"'),
        ("tools/dump.c", '#include <logstore/types.h>\n#include "options.h"\n#include <unistd.h>'),
        ("tests/unit/io/test_io.c", '#include "io/io.h"\n#include "testlib.h"'),
        ("tests/unit/segment/test_x.c", '#include "segment/segment_internal.h"'),
    ]
    wrong = [
        ("logstore/engine/base/buf.c", '#include "base/buf.h"\n#include "io/io.h"'),
        ("logstore/engine/format/names.c", '#include "io/io.h"'),
        ("logstore/engine/io/sim.c", '#include "format/batch.h"'),
        ("logstore/engine/format/names.c", "#include <unistd.h>"),
        ("logstore/engine/segment/read.c", "#include <sys/stat.h>"),
        ("logstore/engine/segment/read.c", '#include "../base/buf.h"'),
        ("logstore/engine/partition/read.c", '#include "segment/segment_internal.h"'),
        ("logstore/engine/format/batch.c", '#include "base/buf.h"\n#include "format/batch.h"'),
        ("logstore/engine/segment/read.c", '#include "segment.h"'),
        ("tools/dump.c", '#include "base/buf.h"'),
        ("tools/dump.c", "#include <base/buf.h>"),
        ("tools/dump.c", "#include <logstore/nothing.h>"),
        ("include/logstore/x.h", '#include "types.h"'),
        ("tests/unit/io/test_io.c", '#include "segment/segment.h"'),
        ("tests/unit/segment/test_x.c", '#include "segment/gone.h"'),
        ("tests/unit/partition/test_x.c", '#include "segment/segment_internal.h"'),
    ]
    problems = []
    for path, text in right:
        found = check_file(pathlib.PurePath(path), text, lambda p: str(p) in present)
        problems += [f"refused although right: {problem}" for problem in found]
    for path, text in wrong:
        if not check_file(pathlib.PurePath(path), text, lambda p: str(p) in present):
            problems.append(f"not noticed: {path}: {text!r}")
    return report(problems, f"{len(wrong)} wrong includes were noticed")


def main(argument):
    if argument == "--self-test":
        return self_test()
    root = pathlib.Path(argument)
    problems, count = check_builds(root), 0
    for path in files(root, ".c", ".h"):
        relative = path.relative_to(root)
        count += 1
        problems += check_file(relative, path.read_text(encoding="utf-8"), lambda p: (root / p).is_file())
    return report(problems, f"{count} files include only what they may")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
