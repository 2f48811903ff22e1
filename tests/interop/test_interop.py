"""Interoperation with Apache Kafka: its own classes and liblogstore on the same directories.

Environment: LOGSTORE_DRIVER (ls_driver), LOGSTORE_CLI (the command), LOGSTORE_TEST_DATA (tests/data), and
INTEROP_SEED to repeat a run. Exit status 77 and a reason if Java, Maven or the jars are not here.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

import compare
import engines
import kafka_jvm
import scripts

SEED = int(os.environ.get("INTEROP_SEED") or random.SystemRandom().randrange(1 << 32))
TOPIC_ID = "Nuh6qrVRRjCmZIT3QuQF0g"
TOPIC = "topic-0"
SKIPPED = 77
STEPS = 120
# Loaded long after they were written, so that idle producers had expired; the others with a stopped clock.
LATE_MS = 1900000000000
STOPPED_CLOCK = ("timestamps", "transactions")
FIXTURES = ("codecs", "epochs", "internal-topics", "legacy", "logstart", "plain", "timestamps", "transactions",
            "transactions-broker")

kafka = None
ours = None


def fixture(*names):
    return os.path.join(os.environ["LOGSTORE_TEST_DATA"], "kafka", *names)


def by_partition(*names):
    """The lines of an expected/*.jsonl file, per partition; empty if there is none."""
    lines = {}
    if os.path.exists(fixture(*names)):
        with open(fixture(*names), encoding="utf-8") as file:
            for line in file:
                parsed = json.loads(line)
                lines.setdefault(parsed["partition"], []).append(parsed)
    return lines


def script_of(folder, partition):
    """Settings, clock, lines and answers of a recorded script."""
    with open(fixture(folder, "scripts", partition + ".conf"), encoding="utf-8") as file:
        config = dict(line.strip().split("=", 1) for line in file if "=" in line)
    lines = []
    for name in (partition + ".jsonl", partition + ".results.jsonl"):
        with open(fixture(folder, "scripts", name), encoding="utf-8") as file:
            lines.append([json.loads(line) for line in file])
    return config, int(config.pop("clock")), lines[0], lines[1]


class InteropCase(unittest.TestCase):
    """Temporary directories, and checks whose failure shows every difference."""

    maxDiff = None

    def setUp(self):
        self.seed = SEED
        self.scratch = tempfile.mkdtemp(prefix="logstore-interop-")

    def tearDown(self):
        shutil.rmtree(self.scratch)

    def path(self, name):
        return os.path.join(self.scratch, name)

    def check(self, found, what):
        if found:
            self.fail(f"{what} (seed {self.seed}):\n  " + "\n  ".join(found))

    def written(self, engine, name, writer, count=STEPS):
        """A new directory that an engine wrote from a script and closed: its path, its last state."""
        path = self.path(name)
        script = writer.chunk(count)
        with engine.open(path, writer.config, scripts.START_MS) as data_dir:
            log = data_dir.create(TOPIC, TOPIC_ID)
            log.apply(script)
            state = compare.bounded(log.state())
        return path, state

    def check_same_view(self, path, writer, what):
        """Both engines load a copy of a closed directory and say the same of it; returns Kafka's state."""
        copies = [tempfile.mkdtemp(dir=self.scratch) for _ in range(2)]
        for copy in copies:
            shutil.copytree(path, copy, dirs_exist_ok=True)
        with kafka.open(copies[0], writer.config, writer.now) as data_dir:
            log = data_dir.load(TOPIC)
            kafka_state, kafka_records = compare.bounded(log.state()), log.records()
            kafka_batches = log.batches()
            questions = compare.lookup_questions(kafka_records, self.seed)
            reads = compare.read_questions(kafka_state, self.seed)
            epochs = compare.epoch_questions(kafka_state)
            kafka_answers = (log.lookups(questions), log.reads(reads), log.epochs(epochs))
        with ours.open(copies[1], writer.config, writer.now) as data_dir:
            log = data_dir.load(TOPIC)
            self.check(compare.differences(log.state(), kafka_state), f"{what}: state")
            self.check(compare.differences(log.records(), kafka_records), f"{what}: records")
            self.check(compare.differences(log.batches(), kafka_batches), f"{what}: batches")
            self.check(compare.lookup_differences(log.lookups(questions), kafka_answers[0], kafka_state),
                       f"{what}: lookups")
            self.check(compare.read_differences(log.reads(reads), kafka_answers[1]), f"{what}: reads")
            self.check(compare.differences(log.epochs(epochs), kafka_answers[2]), f"{what}: epochs")
            committed = compare.committed_records(kafka_records, kafka_state)
            self.check(compare.differences(log.committed(), committed), f"{what}: read_committed")
        self.check(kafka_jvm.dump_complaints(kafka, path, TOPIC, gaps=writer.profile.cuts),
                   f"{what}: DumpLogSegments")
        return kafka_state

    def profiles(self):
        """Every kind of script: (name, profile)."""
        return (
            ("ordinary", scripts.Profile()),
            ("uncompressed", scripts.Profile(codecs=("none",))),
            ("refusals", scripts.Profile(refusals=True, small_segments=False)),
            ("cuts", scripts.Profile(cuts=True)),
            ("append-time", scripts.Profile(append_time=True)),
            ("rolled-by-time", scripts.Profile(times="now", segment_ms=4000)),
            ("large", scripts.Profile(small_segments=False)),
            ("recompressed", scripts.Profile(topic_codec=random.Random(self.seed).choice(scripts.CODECS[1:]))),
            ("decompressed", scripts.Profile(topic_codec="uncompressed")),
        )


class KafkaDriver(InteropCase):
    """The Java driver itself: it must reproduce what the fixtures say, or it proves nothing."""

    def check_partition(self, folder, partition, log, state):
        self.check(compare.differences(log.state(), state), f"{folder} {partition}: state")
        for name in ("records", "batches", "lookups", "reads", "epochs"):
            expected = by_partition(folder, "expected", name + ".jsonl").get(partition)
            if expected is None:
                continue
            if name == "records":
                expected = [compare.abridged(line) for line in expected]
                found = [compare.abridged(line) for line in log.records()]
            elif name == "batches":
                found = log.batches()
            elif name == "lookups":
                found = log.lookups(line["timestamp"] for line in expected)
            elif name == "reads":
                found = log.reads(expected)
            else:
                found = log.epochs(line["epoch"] for line in expected)
            self.check(compare.differences(found, expected), f"{folder} {partition}: {name}")

    def check_fixture(self, folder):
        path = self.path(folder)
        shutil.copytree(fixture(folder, "logs"), path)
        now = 0 if folder in STOPPED_CLOCK else LATE_MS
        with kafka.open(path, {"retention.ms": "-1"}, now) as data_dir:
            for partition, states in by_partition(folder, "expected", "state.jsonl").items():
                self.check_partition(folder, partition, data_dir.load(partition), states[0])

    def test_loads_the_fixtures(self):
        for folder in FIXTURES:
            with self.subTest(folder):
                self.check_fixture(folder)

    def test_replays_the_recorded_scripts(self):
        for folder in STOPPED_CLOCK:
            for partition in by_partition(folder, "expected", "state.jsonl"):
                with self.subTest(f"{folder} {partition}"):
                    config, clock, script, expected = script_of(folder, partition)
                    path = self.path(f"{folder}-{partition}")
                    with kafka.open(path, config, clock) as data_dir:
                        answers = data_dir.create(partition).apply(script)
                    self.check(compare.differences(answers, expected), f"{partition}: answers")
                    home = os.path.join(path, partition)
                    self.check(compare.file_differences(home, fixture(folder, "logs", partition),
                                                        ignored=("partition.metadata",)), f"{partition}: files")
                    self.check(kafka_jvm.dump_complaints(kafka, path, partition), f"{partition}: dump")


class OursToKafka(InteropCase):
    """Case 1: written by us, then used by Kafka, then by us again."""

    def check_profile(self, name, profile):
        writer = scripts.Writer(f"{self.seed} ours-to-kafka {name}", profile)
        path, state = self.written(ours, name, writer)
        loaded = self.check_same_view(path, writer, f"{name}, written by us")
        self.check(compare.differences(compare.reloaded(compare.logical_state(state), writer.now),
                                       compare.logical_state(loaded)),
                   f"{name}: what we held and what Kafka loads")
        writer.reopened()
        with kafka.open(path, writer.config, writer.now) as data_dir:
            data_dir.load(TOPIC).apply(writer.chunk(STEPS // 2))
        self.check_same_view(path, writer, f"{name}, continued by Kafka")

    def test_kafka_loads_and_continues_what_we_wrote(self):
        for name, profile in self.profiles():
            with self.subTest(name):
                self.check_profile(name, profile)

    def test_kafka_truncates_what_we_wrote(self):
        writer = scripts.Writer(f"{self.seed} truncated by kafka", scripts.Profile())
        path, state = self.written(ours, "log", writer)
        for fraction in (0.9, 0.6, 0.3):
            offset = int(state["log_end_offset"] * fraction)
            with kafka.open(path, writer.config, writer.now) as data_dir:
                data_dir.load(TOPIC).apply([{"op": "truncate", "offset": offset}])
            self.check_same_view(path, writer, f"truncated to {offset} by Kafka")

    def test_kafka_deletes_records_we_wrote(self):
        writer = scripts.Writer(f"{self.seed} deleted by kafka", scripts.Profile())
        path, state = self.written(ours, "log", writer)
        for fraction in (0.2, 0.7):
            offset = int(state["log_end_offset"] * fraction)
            with kafka.open(path, writer.config, writer.now) as data_dir:
                data_dir.load(TOPIC).apply([{"op": "log_start", "offset": offset}, {"op": "delete_segments"}])
            loaded = self.check_same_view(path, writer, f"deleted before {offset} by Kafka")
            self.assertEqual(loaded["log_start_offset"], offset)


class KafkaToOurs(InteropCase):
    """Case 2: written by Kafka, then used by us, then by Kafka again."""

    def check_profile(self, name, profile):
        writer = scripts.Writer(f"{self.seed} kafka-to-ours {name}", profile)
        path, state = self.written(kafka, name, writer)
        loaded = self.check_same_view(path, writer, f"{name}, written by Kafka")
        self.check(compare.differences(compare.logical_state(loaded),
                                       compare.reloaded(compare.logical_state(state), writer.now)),
                   f"{name}: what Kafka held and what is loaded")
        writer.reopened()
        with ours.open(path, writer.config, writer.now) as data_dir:
            data_dir.load(TOPIC).apply(writer.chunk(STEPS // 2))
        self.check_same_view(path, writer, f"{name}, continued by us")

    def test_we_load_and_continue_what_kafka_wrote(self):
        for name, profile in self.profiles():
            with self.subTest(name):
                self.check_profile(name, profile)

    def test_we_truncate_what_kafka_wrote(self):
        writer = scripts.Writer(f"{self.seed} truncated by us", scripts.Profile())
        path, state = self.written(kafka, "log", writer)
        for fraction in (0.9, 0.6, 0.3):
            offset = int(state["log_end_offset"] * fraction)
            with ours.open(path, writer.config, writer.now) as data_dir:
                data_dir.load(TOPIC).apply([{"op": "truncate", "offset": offset}])
            self.check_same_view(path, writer, f"truncated to {offset} by us")

    def test_we_delete_records_kafka_wrote(self):
        writer = scripts.Writer(f"{self.seed} deleted by us", scripts.Profile())
        path, state = self.written(kafka, "log", writer)
        for fraction in (0.2, 0.7):
            offset = int(state["log_end_offset"] * fraction)
            with ours.open(path, writer.config, writer.now) as data_dir:
                data_dir.load(TOPIC).apply([{"op": "log_start", "offset": offset}])
            loaded = self.check_same_view(path, writer, f"deleted before {offset} by us")
            self.assertEqual(loaded["log_start_offset"], offset)

    def test_we_load_every_fixture_as_kafka_does(self):
        for folder in FIXTURES:
            path = self.path(folder)
            shutil.copytree(fixture(folder, "logs"), path)
            now = 0 if folder in STOPPED_CLOCK else LATE_MS
            partitions = list(by_partition(folder, "expected", "state.jsonl"))
            for partition in partitions:
                with self.subTest(f"{folder} {partition}"):
                    with kafka.open(path, now=now) as data_dir:
                        expected = data_dir.load(partition).state()
                    with ours.open(path, now=now) as data_dir:
                        self.check(compare.differences(data_dir.load(partition).state(), expected), "state")
                    self.check(compare.differences(ours.records(path, partition),
                                                   kafka.records(path, partition)), "records")
                    self.check(compare.differences(ours.batches(path, partition),
                                                   kafka.batches(path, partition)), "batches")


class Turns(InteropCase):
    """Case 3: a directory passes back and forth ten times."""

    def test_ten_turns(self):
        for name, profile in (("ordinary", scripts.Profile()), ("cuts", scripts.Profile(cuts=True))):
            with self.subTest(name):
                writer = scripts.Writer(f"{self.seed} turns {name}", profile)
                path, _ = self.written(ours, name, writer, 40)
                for turn in range(10):
                    engine = (kafka, ours)[turn % 2]
                    writer.reopened()
                    with engine.open(path, writer.config, writer.now) as data_dir:
                        data_dir.load(TOPIC).apply(writer.chunk(40))
                    self.check_same_view(path, writer, f"{name}, turn {turn + 1} by {engine.name}")


    def test_one_owner_at_a_time(self):
        writer = scripts.Writer(f"{self.seed} owner", scripts.Profile())
        path, _ = self.written(kafka, "log", writer, 5)
        for owner, other in ((kafka, ours), (ours, kafka)):
            with owner.open(path, writer.config, writer.now) as data_dir:
                data_dir.load(TOPIC)
                with self.assertRaisesRegex(engines.EngineError, "(?i)lock"):
                    other.open(path, writer.config, writer.now)
        self.check_same_view(path, writer, "after the refused openings")

    def test_a_directory_kafka_did_not_close_is_not_written_to(self):
        writer = scripts.Writer(f"{self.seed} unclean", scripts.Profile())
        path, _ = self.written(kafka, "log", writer, 5)
        data_dir = kafka.open(path, writer.config, writer.now)
        data_dir.load(TOPIC).apply(writer.chunk(5))
        data_dir.close(clean=False)
        with self.assertRaisesRegex(engines.EngineError, "UNCLEAN"):
            ours.open(path, writer.config, writer.now)


class SameScript(InteropCase):
    """Case 4: one script on both engines from scratch."""

    def run_both(self, name, writer):
        """Runs a script on both; checks answers and states; returns the two directories."""
        script = writer.chunk(STEPS)
        paths, answers, states = [], [], []
        for engine in (ours, kafka):
            path = self.path(f"{engine.name}-{name}")
            with engine.open(path, writer.config, scripts.START_MS) as data_dir:
                log = data_dir.create(TOPIC, TOPIC_ID)
                answers.append(log.apply(script))
                states.append(compare.bounded(log.state()))
            paths.append(path)
        self.check(compare.result_differences(script, answers[0], answers[1]), f"{name}: answers")
        return paths, states

    def test_answers_and_states(self):
        for name, profile in self.profiles():
            with self.subTest(name):
                if profile.cuts:
                    # After a cut a log knows what its snapshots knew, and these stand where segments end.
                    profile = scripts.Profile(cuts=True, small_segments=False)
                writer = scripts.Writer(f"{self.seed} same {name}", profile)
                paths, states = self.run_both(name, writer)
                # Segments end where their bytes do: with codecs that is each implementation's own affair.
                same_bytes = profile.codecs == ("none",) or not profile.small_segments
                self.check(compare.differences(compare.logical_state(states[0], segments=same_bytes),
                                               compare.logical_state(states[1], segments=same_bytes)),
                           f"{name}: states")
                self.check(compare.differences(ours.records(paths[0], TOPIC), kafka.records(paths[1], TOPIC)),
                           f"{name}: records")

    def test_files_are_identical_without_compression(self):
        profiles = (
            ("ordinary", scripts.Profile(codecs=("none",))),
            ("append-time", scripts.Profile(codecs=("none",), append_time=True)),
            ("rolled-by-time", scripts.Profile(codecs=("none",), times="now", segment_ms=4000)),
            ("refusals", scripts.Profile(codecs=("none",), refusals=True, small_segments=False)),
            ("cuts", scripts.Profile(codecs=("none",), cuts=True)),
        )
        for name, profile in profiles:
            for repetition in range(3):
                with self.subTest(f"{name} {repetition}"):
                    writer = scripts.Writer(f"{self.seed} identical {name} {repetition}", profile)
                    paths, states = self.run_both(f"{name}-{repetition}", writer)
                    self.check(compare.differences(compare.flushed_state(states[0]),
                                                   compare.flushed_state(states[1])), f"{name}: states")
                    homes = [os.path.join(path, TOPIC) for path in paths]
                    start = states[1]["log_start_offset"]
                    self.check(compare.file_differences(homes[0], homes[1], start=start), f"{name}: files")
                    self.check(compare.directory_differences(paths[0], paths[1]), f"{name}: checkpoints")

    def test_refusals_by_setting(self):
        keyless = {"op": "batch", "records": [{"timestamp": 1, "key_s": "k", "value": ""},
                                              {"timestamp": 1, "value": ""}]}
        large = {"op": "batch", "records": [{"timestamp": 1, "key_s": "k", "value": "AAAA" * 100}]}
        old = {"op": "batch", "now": 100000, "records": [{"timestamp": 1, "key_s": "k", "value": ""}]}
        good = {"op": "batch", "now": 100000, "records": [{"timestamp": 99999, "key_s": "k", "value": ""}]}
        cases = (
            ({"cleanup.policy": "compact"}, "INVALID_RECORD", keyless),
            ({"max.message.bytes": "300"}, "MESSAGE_TOO_LARGE", large),
            ({"internal.segment.bytes": "300"}, "RECORD_LIST_TOO_LARGE", large),
            ({"message.timestamp.before.max.ms": "5000"}, "INVALID_TIMESTAMP", old),
        )
        for config, error, line in cases:
            for codec in scripts.CODECS if error != "RECORD_LIST_TOO_LARGE" else ("none",):
                with self.subTest(f"{error} {codec}"):
                    script = [good, dict(line, codec=codec), good]
                    answers = []
                    for engine in (ours, kafka):
                        with engine.open(self.path(f"{engine.name}-{error}-{codec}"), config) as data_dir:
                            answers.append(data_dir.create(TOPIC, TOPIC_ID).apply(script))
                    self.check(compare.result_differences(script, answers[0], answers[1]), error)
                    if codec == "none":
                        self.assertEqual(answers[1][1]["error"], error)

    def test_truncation_inside_a_batch(self):
        batch = {"op": "batch", "records": [{"timestamp": 1000 + i, "key_s": "k", "value": ""} for i in range(5)]}
        for offset in (0, 1, 4, 5, 6, 7, 9, 10, 11):
            with self.subTest(offset):
                script = [dict(batch, codec=codec) for codec in ("none", "lz4")]
                script += [{"op": "truncate", "offset": offset}, batch, {"op": "roll"}, batch]
                answers, states = [], []
                for engine in (ours, kafka):
                    with engine.open(self.path(f"{engine.name}-{offset}")) as data_dir:
                        log = data_dir.create(TOPIC, TOPIC_ID)
                        answers.append(log.apply(script))
                        states.append(compare.logical_state(log.state(), segments=False))
                self.check(compare.result_differences(script, answers[0], answers[1]), f"truncated to {offset}")
                self.check(compare.differences(states[0], states[1]), f"truncated to {offset}: states")

    def test_recorded_scripts(self):
        for folder in STOPPED_CLOCK:
            for partition in by_partition(folder, "expected", "state.jsonl"):
                with self.subTest(f"{folder} {partition}"):
                    config, clock, script, expected = script_of(folder, partition)
                    with ours.open(self.path(f"{folder}-{partition}"), config, clock) as data_dir:
                        answers = data_dir.create(partition).apply(script)
                    self.check(compare.result_differences(script, answers, expected), partition)


class Followers(InteropCase):
    """The bytes of one engine's log, appended by the other as a follower."""

    def copy(self, source, target, end):
        """Fetches from one open log and appends to the other until it has caught up."""
        offset = 0
        while offset < end:
            data, offset = source.fetch(offset, 5000)
            answer = target.apply([{"op": "bytes", "bytes": data, "origin": "replication"}])[0]
            self.assertIsNone(answer["error"], answer)
            self.assertEqual(answer["log_end_offset"], offset)

    def check_copy(self, leader, follower, profile):
        writer = scripts.Writer(f"{self.seed} follower of {leader.name}", profile)
        path, _ = self.written(leader, "leader-" + leader.name, writer)
        copied = self.path("copy-" + leader.name)
        with leader.open(path, writer.config, writer.now) as source_dir:
            source = source_dir.load(TOPIC)
            state = source.state()
            with follower.open(copied, writer.config, writer.now) as target_dir:
                target = target_dir.create(TOPIC, TOPIC_ID)
                self.copy(source, target, state["log_end_offset"])
                place = ("file", "position")  # the copy has segments of its own
                self.check(compare.differences(compare.without(target.batches(), place),
                                               compare.without(source.batches(), place)), "batches of the copy")
        loaded = self.check_same_view(copied, writer, "the copy")
        self.check(compare.differences(compare.logical_state(loaded, segments=False),
                                       compare.logical_state(state, segments=False)), "state of the copy")

    def test_kafka_follows_us(self):
        self.check_copy(ours, kafka, scripts.Profile(small_segments=False))

    def test_we_follow_kafka(self):
        self.check_copy(kafka, ours, scripts.Profile(small_segments=False))


class Command(InteropCase):
    """The command line on directories of Kafka, and Kafka on directories of the command line."""

    def run_cli(self, *arguments, stdin=b"", status=0):
        command = [os.environ["LOGSTORE_CLI"], *arguments]
        done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                              check=False)
        said = (done.stdout[-2000:] + done.stderr).decode(errors="replace")
        self.assertEqual(done.returncode, status, f"{command}: {said}")
        return done.stdout

    def json_lines(self, *arguments):
        return [json.loads(line) for line in self.run_cli(*arguments).splitlines()]

    def settings(self, writer):
        """The options that give a command the settings and the clock of a script."""
        options = ["--now", str(writer.now)]
        for name, value in writer.config.items():
            options += ["-c", f"{name}={value}"]
        return options

    def test_shows_what_kafka_wrote(self):
        writer = scripts.Writer(f"{self.seed} shown", scripts.Profile(cuts=True))
        path, _ = self.written(kafka, "log", writer)
        with kafka.open(path, writer.config, writer.now) as data_dir:
            log = data_dir.load(TOPIC)
            state, records, batches = compare.bounded(log.state()), log.records(), log.batches()
            times = compare.lookup_questions(records, self.seed)
            lookups = log.lookups(times)
        home = os.path.join(path, TOPIC)
        self.check(compare.differences(self.json_lines("dump", "--json", home), batches), "dump")
        self.check(compare.differences(self.json_lines("dump", "--records", "--json", "--bytes", "base64", home),
                                       records), "dump --records")
        now = ["--now", str(writer.now)]
        self.check(compare.differences(self.json_lines("stat", "--json", "--indexes", *now, home), [state]), "stat")
        options = [option for time in times for option in ("--time", str(time))]
        found = self.json_lines("offsets", "--json", *now, *options, home)
        self.check(compare.lookup_differences(found, lookups, state), "offsets --time")

    def test_finds_nothing_wrong_with_what_kafka_wrote(self):
        for name, profile in self.profiles():
            if not profile.cuts:  # a truncation makes Kafka forget transactions that began below the log start
                with self.subTest(name):
                    writer = scripts.Writer(f"{self.seed} verified {name}", profile)
                    path, _ = self.written(kafka, name, writer)
                    self.run_cli("verify", path)

    def test_kafka_reads_what_it_appends(self):
        path = self.path("log")
        home = os.path.join(path, TOPIC)
        values = []
        for codec in scripts.CODECS:
            lines = [f"{codec} line {i} größe" for i in range(500)]
            text = "".join(line + "\n" for line in lines).encode()
            self.run_cli("append", "--create", "--codec", codec, home, stdin=text)
            values += lines
        with kafka.open(path) as data_dir:
            records = data_dir.load(TOPIC).records()
        self.assertEqual([compare.text(record["value"]) for record in records], values)
        self.assertEqual({record.get("codec", "none") for record in records}, set(scripts.CODECS))
        self.check(kafka_jvm.dump_complaints(kafka, path, TOPIC), "DumpLogSegments")

    def test_kafka_reads_a_copy_made_of_a_dump(self):
        writer = scripts.Writer(f"{self.seed} copied", scripts.Profile())
        path, _ = self.written(kafka, "log", writer)
        form = ("--json", "--bytes", "base64")
        dump = self.run_cli("dump", "--records", *form, os.path.join(path, TOPIC))
        copied = self.path("copy")
        self.run_cli("append", *form, "--keep-offsets", "--create", os.path.join(copied, TOPIC), stdin=dump)
        with kafka.open(copied, writer.config, writer.now) as data_dir:
            data_dir.load(TOPIC)
        self.check(compare.differences(kafka.records(copied, TOPIC), kafka.records(path, TOPIC)), "records")

    def test_kafka_agrees_with_its_cuts(self):
        writer = scripts.Writer(f"{self.seed} cut", scripts.Profile())
        path, state = self.written(kafka, "log", writer)
        home = os.path.join(path, TOPIC)
        end = state["log_end_offset"]
        self.run_cli("truncate", "--whole-batch", "--to", str(end * 3 // 4), *self.settings(writer), home)
        self.check_same_view(path, writer, "truncated by the command")
        self.run_cli("delete-records", "--before", str(end // 4), *self.settings(writer), home)
        loaded = self.check_same_view(path, writer, "records deleted by the command")
        self.assertEqual(loaded["log_start_offset"], end // 4)


def main():
    global kafka, ours  # one JVM and one driver serve all cases
    print(f"seed {SEED} (INTEROP_SEED repeats it)", flush=True)
    with tempfile.TemporaryDirectory(prefix="logstore-interop-") as folder:
        try:
            kafka = kafka_jvm.kafka_engine(os.path.join(folder, "kafka.err"))
        except kafka_jvm.Unavailable as reason:
            print(f"SKIP: {reason}")
            return SKIPPED
        print(f"Apache Kafka {kafka.ask('version')['version']}", flush=True)
        ours = engines.logstore_engine(os.environ["LOGSTORE_DRIVER"], os.path.join(folder, "logstore.err"))
        with kafka, ours:
            program = unittest.main(exit=False, verbosity=2)
    return 0 if program.result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
