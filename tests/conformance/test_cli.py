#!/usr/bin/env python3
"""The command against what Kafka says of its own directories, and the round trip of a dump.

dump --json agrees with batches.jsonl, dump --records --json --bytes base64 with records.jsonl (--committed with
read_committed.jsonl), stat --json with state.jsonl, offsets --json with lookups.jsonl, for every directory of
tests/data/kafka; read only, in place. And what dump prints, append --json --keep-offsets writes again.

LOGSTORE_CLI is the path of the command, LOGSTORE_TEST_DATA that of tests/data.
"""

import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
from compare import abridged, differences  # noqa: E402
from test_fixtures import by_partition, fixtures  # noqa: E402

CLI = os.environ["LOGSTORE_CLI"]
LATER = 1797000000000
DAMAGED = ("legacy",)


def run(*arguments, stdin=None):
    done = subprocess.run([CLI, *map(str, arguments)], input=stdin, capture_output=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"logstore {' '.join(map(str, arguments))}: exit {done.returncode}: "
                             f"{done.stderr.decode()}")
    return done.stdout


def objects(output):
    groups = {}
    for line in output.decode().splitlines():
        line = json.loads(line)
        groups.setdefault(line.pop("partition"), []).append(line)
    return groups


class Base(unittest.TestCase):
    maxDiff = None

    def same(self, ours, theirs, what):
        found = differences(ours, theirs)
        self.assertFalse(found, f"{what}: ours != Kafka's\n  " + "\n  ".join(found))


class Shows(Base):
    def check(self, name, logs, expectations, clock):
        now = clock or LATER
        expected = {what: by_partition(os.path.join(expectations, what + ".jsonl"))
                    for what in ("state", "lookups", "batches", "records", "read_committed")}
        self.same(objects(run("dump", "--json", logs)), expected["batches"], "batches")
        records = objects(run("dump", "--records", "--json", "--bytes", "base64", logs))
        self.same({partition: [abridged(record) for record in group] for partition, group in records.items()},
                  expected["records"], "records")
        if clock is None:
            return
        self.check_states(name, logs, now, expected["state"])
        for partition, want in expected["lookups"].items():
            times = [argument for line in want for argument in ("--time", line["timestamp"])]
            got = objects(run("offsets", "--json", "--now", now, *times, os.path.join(logs, partition)))
            self.same(got[partition], want, f"{partition} lookups")
        for partition, want in expected["read_committed"].items():
            got = objects(run("dump", "--records", "--committed", "--json", "--bytes", "base64", "--now", now,
                              os.path.join(logs, partition)))
            self.same([abridged(record) for record in got[partition]], want, f"{partition} committed")

    def check_states(self, name, logs, now, expected):
        for partition, (want,) in expected.items():
            if partition.startswith("__cluster_metadata"):
                continue
            got = objects(run("stat", "--json", "--segments", "--indexes", "--now", now,
                              os.path.join(logs, partition)))[partition][0]
            if "/pass" in name:
                # Taken before Kafka closed the log, see test_fixtures.py.
                got["recovery_point"] = want["recovery_point"]
                ours, theirs = got["segments"][-1], want["segments"][-1]
                if ours["timeindex_entries"] == theirs["timeindex_entries"] + 1:
                    ours["timeindex_entries"] -= 1
                    ours["timeindex"].pop()
            self.same(got, want, f"{partition} state")


class RoundTrip(Base):
    """dump --records --json | append --json --keep-offsets, as a replica would append."""

    def check(self, name, logs):
        scratch = tempfile.mkdtemp(prefix="logstore-roundtrip-")
        self.addCleanup(shutil.rmtree, scratch)
        records = objects(run("dump", "--records", "--json", logs))
        for partition in sorted(records):
            if any(record.get("magic", 2) != 2 for record in records[partition]):
                continue
            original = run("dump", "--records", "--json", os.path.join(logs, partition))
            copy = os.path.join(scratch, partition)
            run("append", "--json", "--keep-offsets", "--create", copy, stdin=original)
            self.same(objects(run("dump", "--records", "--json", copy)), objects(original), f"{name}/{partition}")


class Reads(Base):
    def test_hw_goes_up_to_the_checkpointed_mark(self):
        scratch = tempfile.mkdtemp(prefix="logstore-hw-")
        self.addCleanup(shutil.rmtree, scratch)
        partition = os.path.join(scratch, "data", "t-0")
        run("append", "--create", partition, stdin=b"".join(b"%d\n" % i for i in range(10)))
        with open(os.path.join(scratch, "data", "replication-offset-checkpoint"), "w", encoding="utf-8") as file:
            file.write("0\n1\nt 0 4\n")
        self.assertEqual(run("read", "--hw", partition).split(), [b"0", b"1", b"2", b"3"])
        self.assertEqual(run("read", "--hw", "--from", "-2", partition).split(), [b"2", b"3"])
        self.assertEqual(len(run("read", partition).split()), 10)

    def test_a_cut_inside_a_batch_has_to_be_asked_for(self):
        scratch = tempfile.mkdtemp(prefix="logstore-cut-")
        self.addCleanup(shutil.rmtree, scratch)
        partition = os.path.join(scratch, "data", "t-0")
        run("append", "--create", "--batch-records", "5", partition, stdin=b"x\n" * 10)
        with self.assertRaisesRegex(AssertionError, "exit 1"):
            run("truncate", "--to", "7", partition)
        self.assertEqual(len(run("read", partition).split()), 10)
        run("truncate", "--whole-batch", "--to", "7", partition)
        self.assertEqual(len(run("read", partition).split()), 5)


def add_cases():
    for name, logs, expectations, clock in fixtures():
        label = "test_" + name.replace("/", "_").replace("-", "_")

        def shows(self, fixture=(name, logs, expectations, clock)):
            self.check(*fixture)
        setattr(Shows, label, shows)

        def round_trip(self, fixture=(name, logs)):
            self.check(*fixture)
        setattr(RoundTrip, label, round_trip)


add_cases()

if __name__ == "__main__":
    unittest.main(verbosity=1)
