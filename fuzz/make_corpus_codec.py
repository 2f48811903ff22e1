#!/usr/bin/env python3
"""Makes fuzz/corpus/codec_*: the seeds of fuzz_codec. Usage: make_corpus_codec.py DATA CORPUS

DATA is tests/data/kafka, CORPUS is fuzz/corpus. Each seed is one byte that says how to read (fuzz_codec.c),
then compressed data: records areas of Kafka's batches, forms that other writers make, and damaged ones.
Same input, same files: nothing is random.
"""

import gzip
import pathlib
import struct
import sys
import zlib

GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
NAMES = {GZIP: "gzip", SNAPPY: "snappy", LZ4: "lz4", ZSTD: "zstd"}
TEXT = b"offset=17 timestamp=1700000000000 key=alpha value=beta;" * 3


def batches(log):
    """Codec and records area of each batch of a log."""
    at = 0
    while at < len(log):
        size = 12 + struct.unpack_from(">i", log, at + 8)[0]
        yield log[at + 22] & 7, log[at + 61 : at + size]
        at += size


def areas(data, codec):
    """The smallest records area of this codec in each log."""
    found = {}
    for path in sorted((data / "codecs/logs").glob("*/00000000000000000000.log")):
        sizes = sorted((area for kind, area in batches(path.read_bytes()) if kind == codec), key=len)
        for number, area in enumerate([a for a in sizes if len(a) < 1000][:4]):
            found[f"kafka-{path.parent.name}-{number}"] = area
    return found


def damaged(seeds, names):
    """Truncated and flipped forms of some seeds."""
    result = {}
    for name in names:
        whole = seeds[name]
        for part in (1, 2, 3):
            result[f"cut-{part}-{name}"] = whole[: len(whole) * part // 4]
        result[f"cut-last-{name}"] = whole[:-1]
        for part in (0, 1, 2, 3):
            at = (len(whole) - 1) * part // 3
            result[f"flip-{part}-{name}"] = whole[:at] + bytes([whole[at] ^ (1 << part)]) + whole[at + 1 :]
    return result


def gzip_seeds():
    member = gzip.compress(TEXT, mtime=0)
    body = member[10:]
    stored = zlib.compressobj(0, zlib.DEFLATED, -15)
    stored = stored.compress(TEXT) + stored.flush()
    trailer = struct.pack("<II", zlib.crc32(TEXT), len(TEXT))
    fields = b"\x1f\x8b\x08\x1e" + bytes(6) + b"\x03\x00abc" + b"name\0" + b"comment\0"
    fields += struct.pack("<H", zlib.crc32(fields) & 0xFFFF)
    fixed = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_FIXED)
    fixed = fixed.compress(TEXT) + fixed.flush()
    return {
        "member": member,
        "empty": gzip.compress(b"", mtime=0),
        "stored": member[:10] + stored + trailer,
        "fixed": member[:10] + fixed + trailer,
        "members": member + gzip.compress(b"", mtime=0) + member,
        "header-fields": fields + body,
        "garbage-behind": member + b"garbage that is no member" * 2,
        "zeros-behind": member + bytes(64),
        "wrong-trailer": member[:-4] + bytes(4),
        "zeros": gzip.compress(bytes(100000), mtime=0),
        "block-type-3": member[:10] + b"\x07" + bytes(12),
        "distance-too-far": member[:10] + b"\x03\x02\x00" + bytes(12),
        # A wrong distance whose bits are cut off.
        "broken-at-the-end": member[:10] + bytes.fromhex("cb49cc2d00720c1040213bb5d2ab4a59a5000000"),
    }


def varint(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def snappy_literal(data):
    if len(data) <= 60:
        return bytes([(len(data) - 1) << 2]) + data
    return b"\xf4" + struct.pack("<H", len(data) - 1) + data


def snappy_copy(length, offset):
    return bytes([(length - 1) << 2 | 2]) + struct.pack("<H", offset)


def snappy_block(data):
    return varint(len(data)) + snappy_literal(data)


def snappy_seeds():
    header = b"\x82SNAPPY\0" + struct.pack(">II", 1, 1)
    block = snappy_block(TEXT)
    run = varint(1 + 64 * 40) + snappy_literal(b"x") + snappy_copy(64, 1) * 40
    far = varint(70000 + 8) + b"\xf8" + (69999).to_bytes(3, "little") + bytes(70000) + b"\x1f" + struct.pack("<I", 70000)

    def chunk(data):
        return struct.pack(">I", len(data)) + data

    return {
        "raw": block,
        "raw-empty": b"\0",
        "raw-run": run,
        "raw-far-copy": far,
        "raw-liar": b"\xff\xff\xff\xff\x0f" + snappy_literal(b"x"),
        "raw-copy-too-far": varint(9) + snappy_literal(b"x") + snappy_copy(8, 2),
        "raw-copy-4": varint(9) + snappy_literal(b"x") + b"\x1f" + struct.pack("<I", 1),
        "raw-copy-1": varint(5) + snappy_literal(b"x") + b"\x01\x01",
        "header-alone": header,
        "chunk": header + chunk(block),
        "chunks": header + chunk(block) + chunk(b"\0") + chunk(run),
        "headers": header + header + chunk(block) + header + chunk(run) + header,
        "header-cut": header + chunk(block) + header[:9],
        "header-wrong": header + chunk(block) + b"\x82SNAxxxx" + bytes(8) + chunk(block),
        "version-0": header[:11] + b"\0" + header[12:] + chunk(block),
        "chunk-negative": header + b"\xff\xff\xff\xff" + block,
        "chunk-huge": header + b"\x20\x00\x00\x01" + block,
        "tail-of-3": header + chunk(block) + b"abc",
    }


def rotate(value, bits):
    return (value << bits | value >> (32 - bits)) & 0xFFFFFFFF


def xxh32(data):
    """xxHash32 with seed 0."""
    p1, p2, p3, p4, p5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
    mask = 0xFFFFFFFF
    at, size = 0, len(data)
    if size >= 16:
        lanes = [(p1 + p2) & mask, p2, 0, -p1 & mask]
        while at + 16 <= size:
            for i, word in enumerate(struct.unpack_from("<4I", data, at)):
                lanes[i] = rotate((lanes[i] + word * p2) & mask, 13) * p1 & mask
            at += 16
        value = sum(rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & mask
    else:
        value = p5
    value = (value + size) & mask
    while at + 4 <= size:
        value = rotate((value + struct.unpack_from("<I", data, at)[0] * p3) & mask, 17) * p4 & mask
        at += 4
    for byte in data[at:]:
        value = rotate((value + byte * p5) & mask, 11) * p1 & mask
    for shift, prime in ((15, p2), (13, p3)):
        value = (value ^ value >> shift) * prime & mask
    return value ^ value >> 16


def lz4_header(flg, bd, content_size=None):
    descriptor = bytes([flg, bd])
    if content_size is not None:
        descriptor += struct.pack("<Q", content_size)
    return b"\x04\x22\x4d\x18" + descriptor + bytes([xxh32(descriptor) >> 8 & 0xFF])


def lz4_block(data, raw=False, checksum=False):
    block = struct.pack("<I", len(data) | (0x80000000 if raw else 0)) + data
    return block + (struct.pack("<I", xxh32(data)) if checksum else b"")


def lz4_seeds():
    end = bytes(4)
    # A literal, a match of 4 + 15 + 255 + 40 bytes at distance 1, five last literals.
    run = b"\x1fx\x01\x00\xff\x28\x50abcde"
    content = b"x" * 315 + b"abcde"
    kafka = lz4_header(0x60, 0x40)
    return {
        "raw": kafka + lz4_block(TEXT, raw=True) + end,
        "run": kafka + lz4_block(run) + end,
        "empty": kafka + end,
        "blocks": kafka + lz4_block(run) + lz4_block(TEXT, raw=True) + lz4_block(b"\0") + lz4_block(run) + end,
        "raw-end-mark": kafka + lz4_block(run) + b"\0\0\0\x80",
        "behind-the-end": kafka + lz4_block(run) + end + kafka + lz4_block(run),
        "no-end-mark": kafka + lz4_block(run),
        "block-checksums": lz4_header(0x70, 0x50) + lz4_block(run, checksum=True) + lz4_block(TEXT, True, True) + end,
        "content-checksum": lz4_header(0x64, 0x60) + lz4_block(run) + end + struct.pack("<I", xxh32(content)),
        "content-checksum-wrong": lz4_header(0x64, 0x40) + lz4_block(run) + end + b"oops",
        "content-size": lz4_header(0x68, 0x70, len(content)) + lz4_block(run) + end,
        "everything": lz4_header(0x7C, 0x70, 1) + lz4_block(run, checksum=True) + end + bytes(4),
        "dependent-blocks": lz4_header(0x40, 0x40) + lz4_block(run) + end,
        "reserved-bits": lz4_header(0x61, 0x40) + lz4_block(run) + end,
        "version-2": lz4_header(0xA0, 0x40) + lz4_block(run) + end,
        "block-size-3": lz4_header(0x60, 0x30) + lz4_block(run) + end,
        "distance-0": kafka + lz4_block(b"\x10x\0\0\x50abcde") + end,
        "distance-too-far": kafka + lz4_block(b"\x10x\x02\x00\x50abcde") + end,
        "length-without-end": kafka + lz4_block(b"\xf0\xff\xff\xff") + end,
        "legacy-checksum": kafka[:6] + b"\x1a" + lz4_block(run) + end,
    }


def zstd_block(kind, data, size, last):
    return (size << 3 | kind << 1 | last).to_bytes(3, "little") + data


def zstd_frame(descriptor, fields, *blocks):
    return b"\x28\xb5\x2f\xfd" + bytes([descriptor]) + fields + b"".join(blocks)


def zstd_seeds():
    window = b"\x58"
    raw = zstd_block(0, TEXT, len(TEXT), 1)
    run = zstd_block(1, b"x", 100000, 0)
    frame = zstd_frame(0, window, run, raw)
    skippable = b"\x50\x2a\x4d\x18" + struct.pack("<I", 3) + b"abc"
    return {
        "raw-block": zstd_frame(0, window, raw),
        "run-block": frame,
        "empty-frame": zstd_frame(0, window, zstd_block(0, b"", 0, 1)),
        "nothing": b"",
        "content-size": zstd_frame(0x20, bytes([len(TEXT)]), raw),
        "content-size-wrong": zstd_frame(0x20, b"\x07", raw),
        "content-size-huge": zstd_frame(0xE0, b"\0\0\0\0\0\0\0\x80", raw),
        "frames": frame + skippable + frame,
        "skippable": skippable,
        "skippable-cut": skippable[:-1],
        "garbage-behind": frame + b"garbage",
        "checksum-wrong": zstd_frame(4, window, raw) + bytes(4),
        "window-128m": zstd_frame(0, b"\x88", raw),
        "window-256m": zstd_frame(0, b"\x90", raw),
        "dictionary": zstd_frame(1, window + b"\x05", raw),
        "reserved-block": zstd_frame(0, window, zstd_block(3, b"", 0, 1)),
        "not-last": zstd_frame(0, window, zstd_block(0, TEXT, len(TEXT), 0)),
        "version-0.7": bytes.fromhex("27b52ffd0058400003616263c00000"),
        "runs": zstd_frame(0, window, *[zstd_block(1, b"x", 131072, i == 150) for i in range(151)]),
    }


SEEDS = {GZIP: gzip_seeds, SNAPPY: snappy_seeds, LZ4: lz4_seeds, ZSTD: zstd_seeds}


def main(data, corpus):
    for codec, make in SEEDS.items():
        seeds = make()
        kafka = areas(data, codec)
        names = [name for name in sorted(kafka) if name.endswith("-0")][:2]
        seeds.update(kafka)
        seeds.update(damaged(seeds, names + [sorted(make())[0]]))
        folder = corpus / f"codec_{NAMES[codec]}"
        folder.mkdir(parents=True, exist_ok=True)
        for number, (name, content) in enumerate(sorted(seeds.items())):
            how = 0x80 if name == "legacy-checksum" else number * 37 % 128
            (folder / name).write_bytes(bytes([how]) + content)
        print(f"{folder}: {len(seeds)} seeds")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
