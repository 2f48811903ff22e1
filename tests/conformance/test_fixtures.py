#!/usr/bin/env python3
"""Every directory of tests/data/kafka against what Kafka says of it, through the public API.

state, lookups, reads, epochs, batches, records and the read_committed view of each partition equal the
expected/*.jsonl beside it; the scripts of `transactions` and `timestamps` replayed from scratch give Kafka's
answers (error names, messages, offsets) and leave Kafka's index files, byte for byte.

LOGSTORE_DRIVER is the path of ls_driver, LOGSTORE_TEST_DATA that of tests/data. Arguments select cases.
"""

import filecmp
import glob
import hashlib
import base64
import json
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
from compare import abridged, differences, without  # noqa: E402
from engines import Engine, EngineError  # noqa: E402

DATA = os.path.join(os.environ["LOGSTORE_TEST_DATA"], "kafka")

# The clock of each fixture: stopped where Kafka ran in process, after the broker's last write elsewhere.
BROKER_CLOCK = 1797000000000
STOPPED_CLOCK = 1700000000000


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def fixtures():
    """(name, directory of logs, directory of expectations, clock) of every fixture closed cleanly."""
    for name in ("codecs", "epochs", "internal-topics", "legacy", "logstart", "plain", "transactions-broker"):
        yield name, os.path.join(DATA, name, "logs"), os.path.join(DATA, name, "expected"), BROKER_CLOCK
    for name in ("timestamps", "transactions"):
        yield name, os.path.join(DATA, name, "logs"), os.path.join(DATA, name, "expected"), STOPPED_CLOCK
    for path in sorted(glob.glob(os.path.join(DATA, "compaction", "*"))):
        name = "compaction/" + os.path.basename(path)
        yield name, os.path.join(path, "logs"), os.path.join(path, "expected"), STOPPED_CLOCK
        for step in sorted(glob.glob(os.path.join(path, "expected", "pass*"))):
            yield f"{name}/{os.path.basename(step)}", os.path.join(step, "logs"), step, STOPPED_CLOCK
    for name in ("as-is", "clean-start"):
        path = os.path.join(DATA, "recovery", name)
        yield f"recovery/{name}", os.path.join(path, "logs"), os.path.join(path, "expected"), None


def by_partition(path):
    """Lines of a .jsonl file by their partition, without that field; {} if there is no such file."""
    groups = {}
    if os.path.exists(path):
        for line in lines(path):
            groups.setdefault(line.pop("partition"), []).append(line)
    return groups


class Base(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.mkdtemp(prefix="logstore-fixtures-")
        cls.engine = Engine("ls_driver", [os.environ["LOGSTORE_DRIVER"]], os.path.join(cls.scratch, "stderr"))

    @classmethod
    def tearDownClass(cls):
        cls.engine.stop()
        shutil.rmtree(cls.scratch)

    def same(self, ours, theirs, what):
        found = differences(ours, theirs)
        self.assertFalse(found, f"{what}: ours != Kafka's\n  " + "\n  ".join(found))

    def copy(self, logs, name):
        target = os.path.join(self.scratch, name.replace("/", "_"))
        shutil.copytree(logs, target)
        for folder, folders, files in os.walk(target):
            for entry in folders + files:
                os.chmod(os.path.join(folder, entry), 0o755)
        return target


class Directories(Base):
    """What we hold after loading a copy equals what Kafka holds."""

    @staticmethod
    def as_before_close(state, want):
        """The states of compaction passes were taken before Kafka closed the log: it had not flushed its last
        append, nor written the closing entry of the active segment's time index."""
        state["recovery_point"] = want["recovery_point"]
        ours, theirs = state["segments"][-1], want["segments"][-1]
        if ours["timeindex_entries"] == theirs["timeindex_entries"] + 1:
            ours["timeindex_entries"] -= 1
            ours["timeindex"].pop()

    def compare_loaded(self, directory_name, directory, partition, expected):
        ask = lambda job, **fields: self.engine.ask(job, dir=directory, partition=partition, **fields)
        if partition in expected["state"]:
            state = ask("state")["lines"][0]
            state.pop("partition", None)
            if "/pass" in directory_name:
                self.as_before_close(state, expected["state"][partition][0])
            self.same(state, expected["state"][partition][0], f"{partition} state")
        if partition in expected["lookups"]:
            want = expected["lookups"][partition]
            self.same([{k: v for k, v in line.items() if k != "partition"} for line in
                       ask("lookups", timestamps=[line["timestamp"] for line in want])["lines"]],
                      want, f"{partition} lookups")
        if partition in expected["epochs"]:
            want = expected["epochs"][partition]
            self.same([{k: v for k, v in line.items() if k != "partition"} for line in
                       ask("epochs", epochs=[line["epoch"] for line in want])["lines"]],
                      want, f"{partition} epochs")
        if partition in expected["read_committed"]:
            got = [abridged(record) for record in ask("committed")["lines"]]
            self.same(without(got, ["partition"]), expected["read_committed"][partition], f"{partition} committed")
        for want in expected["reads"].get(partition, []):
            query = {name: want[name] for name in ("offset", "max_bytes", "isolation", "min_one")}
            got = ask("reads", reads=[query])["lines"][0]
            got.pop("partition", None)
            data = got.pop("data", None)
            if data and "sha256" in want:
                got["sha256"] = hashlib.sha256(base64.b64decode(data)).hexdigest()
            self.same(got, want, f"{partition} read {query}")

    def compare_files(self, directory, partition, expected):
        for job in ("batches", "records"):
            got = self.engine.ask(job, dir=directory, partition=partition)["lines"]
            got = [abridged(line) for line in got]
            if partition in expected[job]:
                self.same(without(got, ["partition"]), expected[job][partition], f"{partition} {job}")

    def check(self, name, logs, expectations, clock):
        expected = {what: by_partition(os.path.join(expectations, what + ".jsonl"))
                    for what in ("state", "lookups", "reads", "epochs", "batches", "records", "read_committed")}
        partitions = sorted(set().union(*(set(group) for group in expected.values())))
        self.assertTrue(partitions, f"{name}: nothing is expected of it")
        directory = self.copy(logs, name)
        for partition in partitions:
            self.compare_files(directory, partition, expected)
        if clock is None:
            return
        self.engine.ask("open", dir=directory, config={}, now=clock)
        for partition in partitions:
            if partition.startswith("__cluster_metadata"):
                continue
            self.engine.ask("load", dir=directory, partition=partition, config={})
            self.compare_loaded(name, directory, partition, expected)
        self.engine.ask("close", dir=directory, clean=True)


def add_cases():
    for name, logs, expectations, clock in fixtures():
        def case(self, fixture=(name, logs, expectations, clock)):
            self.check(*fixture)
        setattr(Directories, "test_" + name.replace("/", "_").replace("-", "_"), case)


def read_conf(path):
    with open(path, encoding="utf-8") as file:
        pairs = dict(line.strip().split("=", 1) for line in file if line.strip())
    return int(pairs.pop("clock")), pairs


class Scripts(Base):
    """Kafka's scripted appends, replayed from scratch."""

    def replay(self, fixture, partition):
        folder = os.path.join(DATA, fixture, "scripts")
        clock, config = read_conf(os.path.join(folder, partition + ".conf"))
        script = lines(os.path.join(folder, partition + ".jsonl"))
        directory = os.path.join(self.scratch, f"{fixture}-{partition}-replayed")
        self.engine.ask("open", dir=directory, config=config, now=clock)
        self.engine.ask("create", dir=directory, partition=partition, topic_id=None, config=config)
        results = self.engine.ask("apply", dir=directory, partition=partition, ops=script)["lines"]
        self.engine.ask("close", dir=directory, clean=True)
        return results, os.path.join(directory, partition)

    def compare_indexes(self, ours, theirs):
        ending = (".index", ".timeindex", ".txnindex", ".snapshot")
        for name in sorted(os.listdir(theirs)):
            if not name.endswith(ending) or not os.path.exists(os.path.join(ours, name)):
                continue
            if name.endswith(".snapshot"):
                continue
            self.assertTrue(filecmp.cmp(os.path.join(ours, name), os.path.join(theirs, name), shallow=False),
                            f"{name} differs from Kafka's")


def add_scripts():
    for path in sorted(glob.glob(os.path.join(DATA, "transactions", "scripts", "*.results.jsonl"))):
        partition = os.path.basename(path)[:-len(".results.jsonl")]

        def case(self, partition=partition, path=path):
            results, _ = self.replay("transactions", partition)
            want = lines(path)
            self.same(without(results, ["exception"]), without(want, ["exception"]), partition)
        setattr(Scripts, "test_transactions_" + partition.replace("-", "_"), case)


add_cases()
add_scripts()

if __name__ == "__main__":
    unittest.main(verbosity=1)
