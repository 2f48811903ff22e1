"""The text files of the project as the lint checks see them, and their way to report."""

import pathlib

SKIPPED_FOLDERS = {".git", "data", "corpus", "__pycache__", ".cache", "subprojects"}


def files(root, *suffixes):
    """All files below root with one of the suffixes (all with none), without build trees and test data."""
    found = []
    pending = [pathlib.Path(root)]
    while pending:
        for path in sorted(pending.pop().iterdir()):
            if path.is_dir() and not path.is_symlink():
                if path.name not in SKIPPED_FOLDERS and not is_build_tree(path):
                    pending.append(path)
            elif path.is_file() and (not suffixes or path.suffix in suffixes):
                found.append(path)
    return sorted(found)


def is_build_tree(path):
    return (path / "meson-private").is_dir() or (path / "build.ninja").is_file()


def report(problems, success):
    """Prints the problems, or the sentence; returns the exit status."""
    print("\n".join(problems) if problems else success)
    return 1 if problems else 0
