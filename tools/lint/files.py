# SPDX-License-Identifier: Apache-2.0
#
# What the lint scripts share: which files are the project's own, and how they end.
import os
import sys

FOLDERS = ("include", "src", "tests", "bench", "examples", "tools", ".ci")
SCRIPTS = ("", ".sh", ".py")  # without an ending: scripts in tools/ and .ci/


def root():
    return sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "..")


def own_files(*endings):
    """Paths, from the root, of the project's files with these endings, sorted."""
    found = []
    for folder in FOLDERS:
        for where, folders, names in os.walk(os.path.join(root(), folder)):
            folders[:] = [f for f in folders if f not in ("__pycache__", "corpus", "data", "node_modules")]
            found += [os.path.relpath(os.path.join(where, n), root()) for n in names
                      if os.path.splitext(n)[1] in endings and not n.startswith(".")]
    return sorted(found)


def read_lines(path):
    with open(os.path.join(root(), path), encoding="utf-8") as f:
        return f.read().split("\n")


def close(checked, complaints):
    """Prints the complaints, one a line, and how many files were looked at; the exit status says whether all was well."""
    for path, line, text in complaints:
        print(f"{path}:{line}: {text}")
    print(f"{checked} files, {len(complaints)} complaints")
    sys.exit(1 if complaints or checked == 0 else 0)
