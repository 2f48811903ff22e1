#!/usr/bin/env python3
"""Makes fuzz/corpus/{index,snapshot,checkpoint,names}: the seeds of the targets of the same names.
Usage: make_corpus_files.py DATA CORPUS

DATA is tests/data/kafka, CORPUS is fuzz/corpus. A seed is one byte that says what the rest is (the comment at
the head of each fuzz_*.c), then a small file of Kafka's, a damaged one, or something made up that reaches a
branch no real file reaches. Same input, same files: nothing is random.
"""

import pathlib
import struct
import sys

MAX_BYTES = 600


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def files(data, pattern, count, max_bytes=MAX_BYTES):
    """`count` small files of different content, smallest first."""
    found = {}
    for path in sorted(data.rglob(pattern)):
        if 0 < path.stat().st_size <= max_bytes:
            found.setdefault(path.read_bytes(), path)
    return [(path, content) for content, path in sorted(found.items(), key=lambda i: (len(i[0]), i[0]))[:count]]


def index_seeds(data):
    seeds = {}
    for kind, (ending, count) in enumerate((("index", 8), ("timeindex", 8), ("txnindex", 8))):
        for i, (path, content) in enumerate(files(data, f"0*.{ending}", count)):
            base = int(path.name.split(".")[0])
            seeds[f"{ending}-{i}"] = bytes([kind]) + struct.pack(">q", base) + content[:272]
    top = struct.pack(">q", 2**63 - 1)
    seeds["index-negative"] = b"\0" + bytes(8) + struct.pack(">iiii", -1, 0, 1, -1)
    seeds["index-beyond-the-end"] = b"\0" + top + struct.pack(">iiii", 0, 0, 1, 0)
    seeds["timeindex-negative"] = b"\1" + bytes(8) + struct.pack(">qiqi", -1, 0, 5, -1)
    seeds["timeindex-beyond-the-end"] = b"\1" + top + struct.pack(">qi", 5, 2**31 - 1)
    for name, fields in {
        "version": (1, 1, 1, 2, 3),
        "negative-version": (-1, 1, 1, 2, 3),
        "producer": (0, -1, 1, 2, 3),
        "first": (0, 1, -1, 2, 3),
        "backward": (0, 1, 3, 2, 3),
        "stable": (0, 1, 1, 2, -1),
    }.items():
        seeds[f"txnindex-bad-{name}"] = b"\2" + bytes(8) + struct.pack(">hqqqq", *fields)
    seeds["zeros"] = b"\0" + bytes(8 + 64)
    return seeds


def snapshot_file(count, entries):
    body = struct.pack(">i", count) + entries
    return struct.pack(">hI", 1, crc32c(body)) + body


def snapshot_seeds(data):
    seeds = {}
    kafka = [content for _, content in files(data, "0*.snapshot", 12)]
    for i, content in enumerate(kafka):
        seeds[f"as-is-{i}"] = b"\0" + content
    for i, content in enumerate(kafka[:4]):
        seeds[f"sealed-{i}"] = b"\1" + content
    whole = next(content for content in kafka if len(content) > 10)
    entry = whole[10:56]
    seeds["empty"] = b"\0" + snapshot_file(0, b"")
    seeds["sealed-count-lies"] = b"\1" + whole[:6] + struct.pack(">i", 2**31 - 1) + entry
    seeds["sealed-count-negative"] = b"\1" + whole[:6] + struct.pack(">i", -1) + entry
    seeds["sealed-trailing-byte"] = b"\1" + whole + b"\0"
    seeds["version-2"] = b"\0" + b"\0\2" + whole[2:]
    seeds["bad-checksum"] = b"\0" + whole[:-1] + bytes([whole[-1] ^ 1])
    seeds["cut"] = b"\0" + whole[:-7]
    seeds["header-only"] = b"\0" + whole[:9]
    seeds["many"] = b"\0" + snapshot_file(10, entry * 10)
    return seeds


OFFSETS, EPOCHS, PROPERTIES, METADATA, SETTINGS = range(5)
TOPIC_ID = b"Nuh6qrVRRjCmZIT3QuQF0g"
TEXTS = {
    "offsets-windows": (OFFSETS, b"0\r\n1\r\na 1 2\r\n"),
    "offsets-no-final-newline": (OFFSETS, b"0\n1\na-b.c_d +1 -2"),
    "offsets-spaces": (OFFSETS, b"0\n1\na \t 1\x0b\x0c2 \n"),
    "offsets-count-lies": (OFFSETS, b"0\n2147483647\na 1 2\n"),
    "offsets-too-many": (OFFSETS, b"0\n1\na 1 2\nb 1 2\n"),
    "offsets-version": (OFFSETS, b"1\n0\n"),
    "offsets-only-version": (OFFSETS, b"0\n"),
    "offsets-empty": (OFFSETS, b""),
    "offsets-overflow": (OFFSETS, b"0\n1\na 1 9223372036854775808\n"),
    "offsets-nul": (OFFSETS, b"0\n1\na\0 1 2\n"),
    "epochs-equal": (EPOCHS, b"0\n2\n1 2\n1 3\n"),
    "epochs-backward": (EPOCHS, b"0\n2\n1 2\n2 1\n"),
    "epochs-largest": (EPOCHS, b"0\n1\n2147483647 9223372036854775807\n"),
    "epochs-negative": (EPOCHS, b"0\n1\n-1 0\n"),
    "properties-separators": (PROPERTIES, b"a=b\nc:d\ne f\n g = h\n=i\nj\n"),
    "properties-escapes": (PROPERTIES, b"a\\=b=\\tc\\n\\\\ \\u00e4\\uD83D\\uDE00\n"),
    "properties-continued": (PROPERTIES, b"a=b\\\n   c\\\r\n  # d\n!x\n"),
    "properties-latin": (PROPERTIES, b"\xe4=\xff\n"),
    "properties-bad-escape": (PROPERTIES, b"a=\\u12"),
    "properties-surrogate": (PROPERTIES, b"a=\\ud83dx"),
    "metadata-padded": (METADATA, b"version:  1\r\ntopic_id:\t" + TOPIC_ID + b"==\r\n"),
    "metadata-zero": (METADATA, b"version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA"),
    "metadata-version": (METADATA, b"version: -1\ntopic_id: " + TOPIC_ID),
    "metadata-no-space": (METADATA, b"version:0\n"),
    "settings-empty": (SETTINGS, b"# logstore-config 1\n"),
    "settings": (
        SETTINGS,
        b"# logstore-config 1\ncleanup.policy=compact,delete\nmin.cleanable.dirty.ratio=0.1\n"
        b"leader.replication.throttled.replicas=0\\:1,1\\:2\nretention.ms=-1\nsegment.bytes=1048576\n",
    ),
    "settings-tiered": (
        SETTINGS,
        b"# logstore-config 1\nremote.storage.enable=true\nretention.ms=10\nlocal.retention.ms=11\n",
    ),
    "settings-unknown": (SETTINGS, b"# logstore-config 1\nfoo=1\n"),
    "settings-bad-value": (SETTINGS, b"# logstore-config 1\nsegment.ms=abc\n"),
    "settings-version": (SETTINGS, b"# logstore-config 2\n"),
}


def checkpoint_seeds(data):
    seeds = {}
    for kind, label, pattern, count in (
        (OFFSETS, "offsets", "*-offset-checkpoint", 4),
        (EPOCHS, "epochs", "leader-epoch-checkpoint", 4),
        (PROPERTIES, "properties", "meta.properties", 2),
        (METADATA, "metadata", "partition.metadata", 2),
    ):
        for i, (_, content) in enumerate(files(data, pattern, count)):
            seeds[f"{label}-kafka-{i}"] = bytes([kind]) + content
    for name, (kind, text) in TEXTS.items():
        seeds[name] = bytes([kind]) + text
    return seeds


NAMES = (
    ("file", 0, (
        "00000000000000000042.log", "5.log", "+5.foo.log", "-5.log", "abc.log", ".log", "00000000000000000042.index",
        "00000000000000000042.timeindex.swap", "00000000000000000042.txnindex.cleaned", "00000000000000000042.snapshot",
        "00000000000000000042.log.deleted", "09223372036854775808.log", "00000000000000000123-0000000001.checkpoint",
        "00000000000000000123-0000000001.checkpoint.part", "00000000000000000123-0000000001.checkpoint.deleted",
        "bootstrap.checkpoint", "quorum-state", "leader-epoch-checkpoint", "recovery-point-offset-checkpoint",
        "partition.metadata", ".kafka_cleanshutdown", "logstore-config", "logstore-aside-5-1", "5.swap", "x.swap",
    )),
    ("directory", 1, (
        "orders-0", "a--1", "a-+1", "orders-2147483648", "lost+found", "remote-log-index-cache",
        "calm-0.0123456789abcdef0123456789abcdef-delete", "old-7.fedcba9876543210fedcba9876543210-stray",
        "a-3.x-future", "orders-0-delete", "a.b-c-3.x-y-delete", "a-0.-delete", ".-0",
    )),
    ("id", 2, (
        "Nuh6qrVRRjCmZIT3QuQF0g", "n47cV3qgSRCCpd-SFKBJ3g==", "AAAAAAAAAAAAAAAAAAAAAf", "AAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAA", "_____________________w",
    )),
    ("topic", 3, ("orders", "..", "a b", "x" * 249, "x" * 250, "__consumer_offsets")),
    ("setting", 4, (
        "segment.bytes=1048576", "segment.bytes=14", "segment.ms= +1 ", "segment.ms=9223372036854775808",
        "cleanup.policy=compact, delete", "cleanup.policy=", "cleanup.policy=delete,delete", "cleanup.policy=a,,b",
        "compression.type=zstd", "compression.gzip.level=-1", "compression.gzip.level=0", "compression.lz4.level=18",
        "compression.zstd.level=-131072", "preallocate=TRUE", "preallocate=1", "min.cleanable.dirty.ratio=0.5",
        "min.cleanable.dirty.ratio=1.5e-5f", "min.cleanable.dirty.ratio=-Infinity", "min.cleanable.dirty.ratio=.",
        "min.cleanable.dirty.ratio=123456.75", "leader.replication.throttled.replicas=0:1, 1:2",
        "leader.replication.throttled.replicas=*", "leader.replication.throttled.replicas=0:1,x", "foo=1",
        "internal.segment.bytes=4200", "message.timestamp.type=LogAppendTime",
    )),
)


def name_seeds(_):
    return {
        f"{label}-{i:02}": bytes([kind]) + text.encode()
        for label, kind, texts in NAMES
        for i, text in enumerate(texts)
    }


def main():
    data, corpus = map(pathlib.Path, sys.argv[1:])
    for target, make in (
        ("index", index_seeds),
        ("snapshot", snapshot_seeds),
        ("checkpoint", checkpoint_seeds),
        ("names", name_seeds),
    ):
        folder = corpus / target
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, seed in make(data).items():
            (folder / name).write_bytes(seed)


main()
