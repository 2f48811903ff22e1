"""Apache Kafka's own classes in one JVM.

Fetches the jars with Maven (versions in pom.xml) and compiles the driver in java/ into a cache outside the
repository, once; after that nothing is downloaded.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile

from engines import Engine

HERE = os.path.dirname(os.path.abspath(__file__))
TIMEOUT_S = 600
JAVA_VERSION = 17


class Unavailable(Exception):
    """Java, Maven or the jars are not here; the text says what."""


class Broken(Exception):
    """All of it is here, but the driver does not compile."""


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "logstore-interop")


def _digest(paths):
    sha = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            sha.update(file.read())
    return sha.hexdigest()[:16]


def _run(command, failure):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S,
                          check=False)
    output = done.stdout.decode(errors="replace").strip()
    if done.returncode != 0:
        raise failure(f"{command[0]} failed: {output[:1000]}")
    return output


def _need(tool):
    if shutil.which(tool) is None:
        raise Unavailable(f"no {tool} in PATH")


def _need_java():
    _need("java")
    _need("javac")
    version = _run(["javac", "-version"], Unavailable)
    major = re.search(r"javac (\d+)", version)
    if major is None or int(major.group(1)) < JAVA_VERSION:
        raise Unavailable(f"Kafka's classes need Java {JAVA_VERSION}, here is {version}")


def _cached(name, make):
    """A directory of the cache, made in a temporary place and renamed when complete."""
    final = os.path.join(cache_dir(), name)
    os.makedirs(cache_dir(), exist_ok=True)
    with open(os.path.join(cache_dir(), "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(final):
            return final
        scratch = tempfile.mkdtemp(dir=cache_dir())
        try:
            make(scratch)
            os.rename(scratch, final)
        except BaseException:
            shutil.rmtree(scratch)
            raise
    return final


def _fetch_jars():
    pom = os.path.join(HERE, "pom.xml")
    command = ["mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies"]

    def fetch(scratch):
        _need("mvn")
        _run(command + ["-DoutputDirectory=" + scratch], Unavailable)
    return _cached("jars-" + _digest([pom]), fetch)


def _compile_driver(jars):
    folder = os.path.join(HERE, "java", "interop")
    sources = sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".java"))
    command = ["javac", "-proc:none", "-cp", os.path.join(jars, "*")]

    def compile_sources(scratch):
        _run(command + ["-d", scratch] + sources, Broken)
    return _cached(f"classes-{_digest(sources)}-{os.path.basename(jars)}", compile_sources)


def classpath():
    """The classpath of driver and jars; Unavailable says what is missing."""
    _need_java()
    jars = _fetch_jars()
    return _compile_driver(jars) + ":" + os.path.join(jars, "*")


def kafka_engine(stderr_path):
    """Kafka in a JVM of its own."""
    command = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-cp", classpath(), "interop.Driver"]
    return Engine("kafka", command, stderr_path)


DUMP_COMPLAINTS = ("invalid bytes at the end", "isvalid: false", "Ignoring unknown file")
# To this tool every file begins at offset 0, so that it calls the first offset of any later one a gap.
DUMP_NOISE = ("Non-consecutive offsets in ", "  -1 is followed by ", "SLF4J")
GAP = re.compile(r"  \d+ is followed by \d+$")


def dump_complaints(kafka, path, partition, gaps=False):
    """What Kafka's DumpLogSegments finds wrong in a closed partition directory: a list of lines. Offsets may
    be missing where `gaps` says so: after a truncation inside a batch."""
    home = os.path.join(path, partition)
    suffixes = (".log", ".index", ".timeindex", ".txnindex", ".snapshot")
    files = sorted(os.path.join(home, name) for name in os.listdir(home) if name.endswith(suffixes))
    answer = kafka.ask("dump", arguments=["--deep-iteration", "--print-data-log", "--files", ",".join(files)])
    found = [line for line in answer["out"].splitlines() if any(words in line for words in DUMP_COMPLAINTS)]
    found += [line for line in answer["err"].splitlines() if not line.startswith(DUMP_NOISE)]
    if gaps:
        found = [line for line in found if not GAP.match(line)]
    if answer["exception"] is not None:
        found.append(answer["exception"])
    return found
