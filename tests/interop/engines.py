"""Two engines behind one line protocol.

An engine is a child process that takes one job (a JSON object) per line and answers each with one line:
Kafka's own classes (kafka_jvm.py) or liblogstore (ls_driver.c). Both take the same jobs and answer in the
words of tests/data/kafka, so that a test is the same code on either side. README.md lists the jobs.
"""

import base64
import hashlib
import json
import os
import subprocess


class EngineError(Exception):
    """A job failed as a whole, or the process died."""


class Engine:
    """A child process, started anew after it died in a job. Use as a context manager."""

    def __init__(self, name, command, stderr_path):
        self.name = name
        self.command = command
        self.stderr_path = stderr_path
        self._start()

    def _start(self):
        with open(self.stderr_path, "ab") as stderr:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=stderr)

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.stop()

    def stop(self):
        """End the process as end of input does; its exit status must be 0."""
        if self.process.poll() is None:
            self._died("at its end", expected=0)

    def _died(self, when, expected=None):
        """Collect a process that has ended, or is about to; EngineError unless its status is as expected."""
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except BrokenPipeError:
                pass
        status = self.process.wait()
        if status != expected:
            raise EngineError(f"{self.name} died {when} with status {status}: {self._last_words()}")

    def _last_words(self):
        with open(self.stderr_path, "rb") as stderr:
            return stderr.read()[-4000:].decode(errors="replace")

    def ask(self, job, **fields):
        """Run one job and return its answer; EngineError if it failed."""
        if self.process.poll() is not None:
            self._start()
        line = json.dumps({"job": job, **fields}) + "\n"
        answer = b""
        try:
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            pass
        if not answer:
            self._died(f"in {job}")
        answer = json.loads(answer)
        if answer.get("failed") is not None:
            raise EngineError(f"{self.name}: {job}: {answer['failed']}")
        return answer

    def open(self, path, config=None, now=0):
        """Open a data directory; close it with the returned object."""
        self.ask("open", dir=path, config=config or {}, now=now)
        return DataDir(self, path)

    def batches(self, path, partition):
        """Every batch of the .log files of a partition directory, as in batches.jsonl."""
        return self.ask("batches", dir=path, partition=partition)["lines"]

    def records(self, path, partition):
        """Every record of the .log files of a partition directory, as in records.jsonl."""
        return self.ask("records", dir=path, partition=partition)["lines"]


class DataDir:
    """A data directory open in an engine. Leaving the context closes it, cleanly unless a test failed."""

    def __init__(self, engine, path):
        self.engine = engine
        self.path = path

    def __enter__(self):
        return self

    def __exit__(self, exc_type, *exc_info):
        if exc_type is None:
            self.close()
        elif self.engine.process.poll() is None:
            self.close(clean=False)

    def close(self, clean=True):
        self.engine.ask("close", dir=self.path, clean=clean)

    def create(self, partition, topic_id=None, config=None):
        self.engine.ask("create", dir=self.path, partition=partition, topic_id=topic_id, config=config or {})
        return Log(self, partition)

    def load(self, partition, config=None):
        self.engine.ask("load", dir=self.path, partition=partition, config=config or {})
        return Log(self, partition)


class Log:
    """One open partition."""

    def __init__(self, data_dir, partition):
        self.data_dir = data_dir
        self.partition = partition

    def _lines(self, job, **fields):
        engine, path = self.data_dir.engine, self.data_dir.path
        return engine.ask(job, dir=path, partition=self.partition, **fields)["lines"]

    def apply(self, ops):
        """Apply the lines of a script; one answer each, as in *.results.jsonl."""
        return self._lines("apply", ops=list(ops))

    def state(self):
        """As in state.jsonl."""
        return self._lines("state")[0]

    def lookups(self, timestamps):
        """As in lookups.jsonl."""
        return self._lines("lookups", timestamps=list(timestamps))

    def reads(self, questions):
        """As in reads.jsonl; questions have offset, max_bytes, isolation and min_one."""
        answers = self._lines("reads", reads=list(questions))
        for answer in answers:
            data = answer.pop("data", None)
            if data is not None:
                answer["sha256"] = hashlib.sha256(base64.b64decode(data)).hexdigest()
        return answers

    def fetch(self, offset, max_bytes):
        """Whole batches from an offset on, as base64, and the offset to go on from."""
        question = {"offset": offset, "max_bytes": max_bytes, "isolation": "end", "min_one": True}
        answer = self._lines("reads", reads=[question])[0]
        if answer.get("error") or answer["last_complete_offset"] is None:
            raise EngineError(f"no batch at {offset}: {answer}")
        return answer["data"], answer["last_complete_offset"] + 1

    def epochs(self, epochs):
        """As in epochs.jsonl."""
        return self._lines("epochs", epochs=list(epochs))

    def records(self):
        return self.data_dir.engine.records(self.data_dir.path, self.partition)

    def batches(self):
        return self.data_dir.engine.batches(self.data_dir.path, self.partition)

    def committed(self):
        """What a read_committed consumer sees (liblogstore only), as in read_committed.jsonl."""
        return self._lines("committed")


def logstore_engine(driver, stderr_path):
    """liblogstore in a process of its own; `driver` is the binary made of ls_driver.c."""
    if not os.access(driver, os.X_OK):
        raise EngineError(f"no driver at {driver}")
    return Engine("logstore", [driver], stderr_path)
