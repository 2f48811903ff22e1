#!/usr/bin/env python3
"""Makes fuzz/corpus/batch: the seeds of fuzz_batch. Usage: make_corpus_batch.py DATA CORPUS

DATA is tests/data/kafka, CORPUS is fuzz/corpus. Each seed is one byte that says what to make of the rest
(fuzz_batch.c), then a batch that Kafka wrote: the smallest of each kind there is, for the modes that
compress also uncompressed records and messages. Same input, same files: nothing is random.
"""

import pathlib
import struct
import sys

AS_IS, SEAL, PACK = 0, 1, 2
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
HEADER, LEGACY_HEADERS = 61, (18, 26)


def batches(log):
    at = 0
    while at < len(log):
        size = 12 + struct.unpack_from(">i", log, at + 8)[0]
        yield log[at : at + size]
        at += size


def kind(batch):
    """A name for all batches of one kind."""
    magic = batch[16]
    attributes = batch[17] if magic < 2 else batch[22]
    parts = [f"v{magic}", CODECS[attributes & 7]]
    if attributes & 8:
        parts.append("append-time")
    if magic == 2:
        count = struct.unpack_from(">i", batch, 57)[0]
        flags = ((16, "transactional"), (32, "control"), (64, "horizon"))
        parts += [name for bit, name in flags if attributes & bit]
        if struct.unpack_from(">q", batch, 43)[0] >= 0:
            parts.append("producer")
        parts.append("empty" if count == 0 else "one" if count == 1 else "many")
    return "-".join(parts)


def smallest(data):
    """Of every kind the two smallest batches."""
    found = {}
    for path in sorted(data.rglob("*.log")):
        if "recovery" in path.parts:
            continue
        for batch in batches(path.read_bytes()):
            group = found.setdefault(kind(batch), set())
            if len(batch) < 1000:
                group.add(batch)
    return {name: sorted(group, key=lambda b: (len(b), b))[:2] for name, group in found.items() if group}


def packed(groups):
    """Seeds for PACK: headers with records or messages that are not compressed yet."""
    seeds = {}
    for codec in range(1, 5):
        how = bytes([PACK | codec - 1 << 2])
        for name in ("v2-none-many", "v2-none-one", "v2-none-producer-many"):
            seeds[f"pack-{CODECS[codec]}-{name}"] = how + groups[name][0]
        for magic, header in enumerate(LEGACY_HEADERS):
            if codec < 4:
                messages = b"".join(groups[f"v{magic}-none"])
                seeds[f"pack-{CODECS[codec]}-v{magic}"] = how + messages[:header] + messages
    return seeds


def damaged(groups):
    whole = groups["v2-none-many"][0]
    seeds = {f"cut-{size}": bytes([AS_IS]) + whole[:size] for size in (0, 16, 17, 60, 61, len(whole) - 1)}
    for count in (0, 1, 2**31 - 1):
        body = whole[:57] + struct.pack(">i", count) + whole[61:]
        seeds[f"seal-count-{count}"] = bytes([SEAL]) + body
    seeds["seal-magic-3"] = bytes([SEAL]) + whole[:16] + b"\x03" + whole[17:]
    seeds["zeros"] = bytes([AS_IS]) + bytes(64)
    return seeds


def main(data, corpus):
    groups = smallest(data)
    seeds = {}
    for name, group in groups.items():
        for number, batch in enumerate(group):
            mode = (AS_IS, SEAL)[number]
            seeds[f"{('as-is', 'seal')[number]}-{name}"] = bytes([mode]) + batch
    seeds.update(packed(groups))
    seeds.update(damaged(groups))
    folder = corpus / "batch"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in sorted(seeds.items()):
        (folder / name).write_bytes(content)
    print(f"{folder}: {len(seeds)} seeds")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
