"""Comparison of what two engines say and of what they leave on disk."""

import base64
import hashlib
import os
import random

# What is worded or rounded differently by intent.
RESULT_WORDS = ("exception", "message")
LONG_VALUE = 512
SHOWN = 300


def _short(value):
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


def differences(ours, theirs, path=""):
    """Where two JSON values differ: a list of lines, at most 20."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        found = []
        for name in sorted(set(ours) | set(theirs)):
            if name not in ours or name not in theirs:
                found.append(f"{path}.{name}: {_short(ours.get(name, '(none)'))} != "
                             f"{_short(theirs.get(name, '(none)'))}")
            else:
                found += differences(ours[name], theirs[name], f"{path}.{name}")
        return found[:20]
    if isinstance(ours, list) and isinstance(theirs, list) and max(len(ours), len(theirs)) > 0:
        found = []
        for i, (a, b) in enumerate(zip(ours, theirs)):
            found += differences(a, b, f"{path}[{i}]")
            if len(found) >= 20:
                return found[:20]
        if len(ours) != len(theirs):
            found.append(f"{path}: {len(ours)} elements != {len(theirs)}")
        return found
    return [] if ours == theirs and type(ours) is type(theirs) else [f"{path}: {_short(ours)} != {_short(theirs)}"]


def text(value):
    """A base64 value as text."""
    return base64.b64decode(value).decode()


def without(answers, names):
    return [{name: value for name, value in answer.items() if name not in names} for answer in answers]


def result_differences(script, ours, theirs):
    """Answers to the lines of a script; a difference is shown with its line."""
    found = []
    start = 0
    for line, a, b in zip(script, without(ours, RESULT_WORDS), without(theirs, RESULT_WORDS)):
        if line["op"] == "log_start" and b["error"] is None:
            start = max(start, line["offset"])
        elif line["op"] == "truncate":
            start = min(start, line["offset"])
        b["last_stable_offset"] = max(b["last_stable_offset"], start)
        for difference in differences(a, b):
            found.append(f"{difference}\n    line: {_short(line)}")
    if len(ours) != len(theirs):
        found.append(f"{len(ours)} answers != {len(theirs)}")
    return found[:6]


def bounded(state):
    """A state of Kafka's as ours shows it: nothing unstable lies below the log start. With an open
    transaction from before the start, Kafka names the base of the batch that holds the start."""
    start = state["log_start_offset"]
    bounds = {"last_stable_offset": max(state["last_stable_offset"], start)}
    if state["first_unstable_offset"] is not None:
        bounds["first_unstable_offset"] = max(state["first_unstable_offset"], start)
    return dict(state, **bounds)


def _segment_without_bytes(segment):
    return {"base": segment["base"], "largest_timestamp": segment["largest_timestamp"],
            "txnindex": segment["txnindex"]}


def logical_state(state, segments=True):
    """A state without what depends on how bytes were compressed or when they were flushed."""
    logical = {name: value for name, value in state.items() if name not in ("recovery_point", "size")}
    if segments:
        logical["segments"] = [_segment_without_bytes(segment) for segment in state["segments"]]
    else:
        del logical["segments"]
    return logical


def flushed_state(state):
    """A state with all its bytes, but without the recovery point: background flushes are policy."""
    return {name: value for name, value in state.items() if name != "recovery_point"}


PRODUCER_EXPIRATION_MS = 24 * 3600 * 1000


def reloaded(state, now):
    """What closing and loading leaves of a state: a snapshot keeps the last batch of each producer, with the
    producer's own last timestamp; idle producers have expired; an epoch without records is forgotten."""
    producers = []
    for producer in state["producers"]:
        idle = now - producer["last_timestamp"] >= PRODUCER_EXPIRATION_MS
        if idle and producer["current_txn_first_offset"] is None:
            continue
        batches = [dict(batch, timestamp=producer["last_timestamp"]) for batch in producer["batches"][-1:]]
        producers.append(dict(producer, batches=batches))
    epochs = [epoch for epoch in state["epochs"] if epoch[1] < state["log_end_offset"]]
    return dict(state, producers=producers, epochs=epochs)


def abridged(record):
    """A record as the fixtures print it: a long key or value is its length, digest and head."""
    record = dict(record)
    for name in ("key", "value"):
        value = record.get(name)
        if isinstance(value, str):
            data = base64.b64decode(value)
            if len(data) > LONG_VALUE:
                record[name] = {"len": len(data), "sha256": hashlib.sha256(data).hexdigest(),
                                "head": base64.b64encode(data[:48]).decode()}
    return record


def committed_records(records, state):
    """What a read_committed consumer gets of `records`: data below the last stable offset, not aborted."""
    outcome = {}
    kept = []
    for record in reversed(records):
        producer = record.get("producer_id", -1)
        if record.get("is_control"):
            outcome[producer] = record["control_type"]
        elif record.get("is_transactional") and outcome.get(producer) != "COMMIT":
            continue
        elif state["log_start_offset"] <= record["offset"] < state["last_stable_offset"]:
            kept.append(record)
    return kept[::-1]


# Questions

SPECIAL_TIMES = (-1, -2, -3, -4, -5, -6)


def lookup_questions(records, seed):
    rng = random.Random(seed)
    times = sorted({record["timestamp"] for record in records if record["timestamp"] >= 0})
    chosen = rng.sample(times, min(len(times), 25))
    around = [time + delta for time in chosen for delta in (-1, 0, 1)]
    return list(SPECIAL_TIMES) + [time for time in around if time >= 0] + [0, 1 << 60]


def lookup_differences(ours, kafkas, state):
    """Answers to lookups. For the largest timestamp Kafka may name a record below the log start; that is left
    out of the comparison, ours must not."""
    found = []
    for a, b in zip(ours, kafkas):
        below = b["found_offset"] is not None and 0 <= b["found_offset"] < state["log_start_offset"]
        if not (below and b["timestamp"] == -3):
            found += differences(a, b, f"timestamp {b['timestamp']}")
        elif a["found_offset"] is not None and a["found_offset"] < state["log_start_offset"]:
            found.append(f"timestamp -3: offset {a['found_offset']} is below the log start")
    return found if len(ours) == len(kafkas) else found + [f"{len(ours)} answers != {len(kafkas)}"]


def read_questions(state, seed):
    rng = random.Random(seed)
    start, end = state["log_start_offset"], state["log_end_offset"]
    offsets = [start - 1, start, end - 1, end, end + 1]
    offsets += [rng.randrange(start, end + 1) for _ in range(25)]
    return [{"offset": offset, "max_bytes": rng.choice((1, 61, 100, 700, 5000, 1 << 20)),
             "isolation": rng.choice(("end", "hw", "txn")), "min_one": rng.random() < 0.7}
            for offset in offsets if offset >= 0]


def read_differences(ours, kafkas):
    """Answers to reads. In a gap at the end of the log Kafka has no list of aborted transactions, not an empty
    one."""
    ours, kafkas = without(ours, RESULT_WORDS), without(kafkas, RESULT_WORDS)
    for answer in kafkas:
        if answer["isolation"] == "txn" and answer.get("bytes") == 0 and answer["aborted"] is None:
            answer["aborted"] = []
    return differences(ours, kafkas, "reads")


def epoch_questions(state):
    greatest = state["epochs"][-1][0] if state["epochs"] else 0
    return list(range(-1, greatest + 3))


# Files

CHECKPOINTS = ("recovery-point-offset-checkpoint", "log-start-offset-checkpoint", "replication-offset-checkpoint")
SNAPSHOT_HEADER_SIZE = 10
SNAPSHOT_ENTRY_SIZE = 46


def _content(path):
    with open(path, "rb") as file:
        data = file.read()
    if path.endswith(".snapshot"):
        # The order of producers is that of a hash map, and the checksum follows it.
        entries = range(SNAPSHOT_HEADER_SIZE, len(data), SNAPSHOT_ENTRY_SIZE)
        return [data[:2], data[6:SNAPSHOT_HEADER_SIZE]] + sorted(data[at:at + SNAPSHOT_ENTRY_SIZE] for at in entries)
    return data


def _offset(name):
    return int(name.split(".")[0])


def _kafka_files(home, start):
    """The files that a loader looks at. Snapshots at or below the log start, and those that are neither at
    the base of a segment nor the greatest, are removed at load if not before."""
    names = {name for name in os.listdir(home) if not name.startswith("logstore-")}
    bases = {_offset(name) for name in names if name.endswith(".log")}
    snapshots = {_offset(name) for name in names if name.endswith(".snapshot")}
    stray = snapshots - bases - {max(snapshots, default=0)}
    stray |= {offset for offset in snapshots if offset <= start}
    return {name for name in names if not (name.endswith(".snapshot") and _offset(name) in stray)}


def file_differences(ours, theirs, ignored=(), start=0):
    """Two partition directories, file by file; producer snapshots as sets of entries."""
    found = []
    for name in sorted(_kafka_files(ours, start) | _kafka_files(theirs, start)):
        if name.endswith(tuple(ignored)):
            continue
        paths = os.path.join(ours, name), os.path.join(theirs, name)
        missing = [path for path in paths if not os.path.exists(path)]
        if missing:
            found.append(f"{name}: no {missing[0]}")
            continue
        a, b = _content(paths[0]), _content(paths[1])
        if a != b:
            at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            found.append(f"{name}: {len(a)} bytes and {len(b)} bytes, first difference at {at}")
    return found


def _checkpoint(path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    if lines and (lines[0] != "0" or int(lines[1]) != len(lines) - 2):
        return lines
    return sorted(lines[2:])


def directory_differences(ours, theirs):
    """The checkpoints and the marker of two closed data directories."""
    found = []
    for name in CHECKPOINTS:
        a, b = (_checkpoint(os.path.join(path, name)) for path in (ours, theirs))
        found += differences(a, b, name)
    for path in (ours, theirs):
        if not os.path.exists(os.path.join(path, ".kafka_cleanshutdown")):
            found.append(f"no .kafka_cleanshutdown in {path}")
    return found
