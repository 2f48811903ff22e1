"""Random scripts: lines of appends and cuts as in tests/data/kafka, scripts/*.jsonl.

A writer keeps a small model of the log it writes for (its end, its producers), so that what it makes is
mostly accepted, and refused on purpose where a profile asks for refusals. The expected answers are not
predicted here: a script runs on two engines and these are compared.
"""

import base64
import copy
import random

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
START_MS = 1700000000000
SEQUENCE_END = 1 << 31
FOREVER_MS = 9000000000000000


class Profile:
    """What a script may contain, and the settings it runs under."""

    def __init__(self, codecs=CODECS, refusals=False, cuts=False, small_segments=True, times="any",
                 append_time=False, segment_ms=FOREVER_MS, topic_codec=None):
        self.codecs = codecs
        self.refusals = refusals
        self.cuts = cuts
        self.small_segments = small_segments
        self.times = times
        self.append_time = append_time
        self.segment_ms = segment_ms
        self.topic_codec = topic_codec

    def config(self, rng):
        config = {
            "retention.ms": "-1",
            "segment.ms": str(self.segment_ms),
            "index.interval.bytes": str(rng.choice((0, 100, 500, 4096))),
            "max.message.bytes": "20000",
        }
        if self.small_segments:
            config["internal.segment.bytes"] = str(rng.choice((3000, 8000, 40000)))
            config["segment.index.bytes"] = str(rng.choice((240, 1600, 10485760)))
        if self.append_time:
            config["message.timestamp.type"] = "LogAppendTime"
        if self.topic_codec is not None:
            config["compression.type"] = self.topic_codec
        return config


class Producer:
    """An idempotent or transactional producer as the writer knows it."""

    def __init__(self, producer_id, transactional, sequence):
        self.id = producer_id
        self.transactional = transactional
        self.epoch = 0
        self.sequence = sequence
        self.coordinator_epoch = 0
        self.open = False
        self.recent = []   # its last batches, oldest first, as lines


class Writer:
    """Writes the script of one partition, chunk by chunk."""

    def __init__(self, seed, profile):
        self.rng = random.Random(seed)
        self.profile = profile
        self.config = profile.config(self.rng)
        self.now = START_MS
        self.start = 0
        self.end = 0
        self.leader_epoch = 0
        self.producers = {}
        self.next_id = 1000
        self.history = []  # (log end, producers) after each append, for cuts
        self.opening = True

    # Records

    def _bytes(self, size):
        if self.rng.random() < 0.5:
            return self.rng.randbytes(size)
        words = (b"alpha ", b"bravo ", b"charlie ", "größe ".encode(), b"{\"id\": 1} ")
        text = b"".join(self.rng.choice(words) for _ in range(size // 5 + 1))
        return text[:size]

    def _key(self, record):
        kind = self.rng.random()
        if kind < 0.2:
            record["key"] = None
        elif kind < 0.3:
            record["key"] = ""
        elif kind < 0.7:
            record["key_s"] = f"k{self.rng.randrange(20)}"
        else:
            record["key"] = base64.b64encode(self.rng.randbytes(8)).decode()

    def _value(self, record):
        kind = self.rng.random()
        if kind < 0.1:
            record["value"] = None
        else:
            most = 60 if self.profile.small_segments else 2000
            size = 0 if kind < 0.2 else self.rng.randrange(1, most)
            record["value"] = base64.b64encode(self._bytes(size)).decode()

    def _headers(self, record):
        headers = []
        for _ in range(self.rng.choice((0, 0, 0, 1, 3))):
            value = self.rng.choice((None, "", base64.b64encode(self.rng.randbytes(5)).decode()))
            headers.append({"key": self.rng.choice(("", "a", "trace", "ключ")), "value": value})
        if headers:
            record["headers"] = headers

    def _timestamp(self):
        if self.profile.times == "now":
            return self.now
        kind = self.rng.random()
        if kind < 0.1:
            return -1
        if kind < 0.5:
            return self.now
        return self.now - self.rng.randrange(0, 100000)

    def _record(self):
        record = {"timestamp": self._timestamp()}
        self._key(record)
        self._value(record)
        self._headers(record)
        return record

    # Appends

    def _tick(self):
        self.now += self.rng.choice((0, 1, 7, 50, 1000))
        return self.now

    def _batch(self, producer=None):
        line = {"op": "batch", "now": self._tick(), "codec": self.rng.choice(self.profile.codecs)}
        if producer is not None:
            line["producer_id"] = producer.id
            line["producer_epoch"] = producer.epoch
            line["base_sequence"] = producer.sequence
            line["transactional"] = producer.transactional
        line["records"] = [self._record() for _ in range(self.rng.choice((1, 1, 2, 3, 7)))]
        if all(record["timestamp"] >= 0 for record in line["records"]) and self.rng.random() < 0.5:
            line["api"] = "records"
        return line

    def _accepted(self, line):
        """Bookkeeping after a batch that the log takes."""
        count = len(line["records"])
        self.end += count
        producer = self.producers.get(line.get("producer_id"))
        if producer is not None:
            producer.sequence = (producer.sequence + count) % SEQUENCE_END
            producer.open = producer.open or producer.transactional
            producer.recent = (producer.recent + [line])[-5:]
        self._remember()
        return line

    def _remember(self):
        self.history.append((self.end, copy.deepcopy(self.producers)))

    def _some_producer(self):
        if len(self.producers) < 6 and self.rng.random() < 0.3:
            sequence = self.rng.choice((0, 0, SEQUENCE_END - 3))
            producer = Producer(self.next_id, self.rng.random() < 0.7, sequence)
            self.producers[producer.id] = producer
            self.next_id += 1
        return self.rng.choice(list(self.producers.values())) if self.producers else None

    def _end_transaction(self, producer):
        line = {"op": "marker", "now": self._tick(), "producer_id": producer.id,
                "type": self.rng.choice(("commit", "abort"))}
        if self.rng.random() < 0.3:
            producer.epoch += 1
            producer.sequence = 0
            producer.recent = []
            line["txn_version"] = 2
        if self.rng.random() < 0.2:
            producer.coordinator_epoch += 1
        line["producer_epoch"] = producer.epoch
        line["coordinator_epoch"] = producer.coordinator_epoch
        producer.open = False
        self.end += 1
        self._remember()
        return line

    def _append(self):
        producer = self._some_producer()
        if producer is None or self.rng.random() < 0.25:
            return self._accepted(self._batch())
        if producer.open and self.rng.random() < 0.4:
            return self._end_transaction(producer)
        return self._accepted(self._batch(producer))

    # Cuts

    def _truncate(self):
        boundaries = [entry for entry in self.history[-12:] if entry[0] > self.start]
        if not boundaries:
            return self._append()
        self.end, producers = self.rng.choice(boundaries)
        self.history = [entry for entry in self.history if entry[0] <= self.end]
        # What a log knows of producers whose batches lie below its start is not for this model to tell.
        self.producers = copy.deepcopy(producers) if self.start == 0 else {}
        self.reopened()
        return {"op": "truncate", "offset": self.end}

    def _log_start(self):
        self.start = self.rng.randrange(self.start, self.end + 1)
        return {"op": "log_start", "offset": self.start}

    # Refusals

    def _refused(self):
        producer = self._some_producer()
        makers = [self._too_large, self._beyond_end]
        if not self.profile.append_time:
            makers.append(self._too_early)
        if producer is not None:
            makers += [self._out_of_order, self._forged_marker, self._new_epoch_late]
            if producer.epoch > 0:
                makers += [self._stale_batch, self._stale_marker]
            if producer.coordinator_epoch > 0:
                makers.append(self._zombie_marker)
            if producer.open:
                makers.append(self._outside_transaction)
            if producer.recent:
                makers += [self._duplicate, self._duplicate]
        return self.rng.choice(makers)(producer)

    def _too_large(self, producer):
        line = self._batch(producer)
        line["codec"] = "none"
        line["records"][0]["value"] = base64.b64encode(self.rng.randbytes(20000)).decode()
        return line

    def _too_early(self, producer):
        line = self._batch(producer)
        line["records"][-1]["timestamp"] = self.now + 2 * 3600 * 1000
        return line

    def _beyond_end(self, producer):
        del producer
        return {"op": "log_start", "offset": self.end + 1}

    def _out_of_order(self, producer):
        line = self._batch(producer)
        line["base_sequence"] = (producer.sequence + self.rng.randrange(1, 9)) % SEQUENCE_END
        return line if producer.recent else self._too_large(producer)

    def _new_epoch_late(self, producer):
        line = self._batch(producer)
        line["producer_epoch"] = producer.epoch + 1
        line["base_sequence"] = 5
        return line if producer.recent else self._too_large(producer)

    def _stale_batch(self, producer):
        line = self._batch(producer)
        line["producer_epoch"] = producer.epoch - 1
        return line

    def _outside_transaction(self, producer):
        line = self._batch(producer)
        line["transactional"] = False
        return line

    def _duplicate(self, producer):
        line = dict(self.rng.choice(producer.recent))
        line["now"] = self._tick()
        return line

    def _stale_marker(self, producer):
        return {"op": "marker", "now": self._tick(), "producer_id": producer.id, "type": "abort",
                "producer_epoch": producer.epoch - 1, "coordinator_epoch": producer.coordinator_epoch}

    def _zombie_marker(self, producer):
        return {"op": "marker", "now": self._tick(), "producer_id": producer.id, "type": "commit",
                "producer_epoch": producer.epoch, "coordinator_epoch": producer.coordinator_epoch - 1}

    def _forged_marker(self, producer):
        return {"op": "marker", "now": self._tick(), "producer_id": producer.id, "type": "commit",
                "producer_epoch": producer.epoch, "origin": "client"}

    # Scripts

    def _lines(self):
        """One step: a line, or a few that belong together."""
        kind = self.rng.random()
        if self.opening:
            self.opening = False
            return [self._accepted(self._batch())]
        if kind < 0.03:
            self.leader_epoch += self.rng.randrange(1, 3)
            return [{"op": "leader_epoch", "epoch": self.leader_epoch}]
        if kind < 0.06:
            return [{"op": "roll"}]
        if self.profile.cuts and kind < 0.10:
            return [self._truncate()]
        if self.profile.cuts and kind < 0.12:
            return [self._log_start(), {"op": "delete_segments"}]
        if self.profile.refusals and kind > 0.75:
            return [self._refused()]
        return [self._append()]

    def chunk(self, count):
        """The next `count` steps of the script."""
        return [line for _ in range(count) for line in self._lines()]

    def reopened(self):
        """The log is loaded anew: of each producer it knows the last batch only."""
        for producer in self.producers.values():
            producer.recent = producer.recent[-1:]
