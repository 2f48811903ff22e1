"""Benchmark, not a test: `logstore dump` against Kafka's DumpLogSegments on the same large segment.

usage: bench_dump.py --cli LOGSTORE --programs DIR [--bytes N] [--runs N] [--codecs LIST] [--folder DIR]

Per codec (none, lz4) a segment is made, then every program reads it in turn, its output thrown away. Shown
are medians: CPU seconds (user and system of the child), wall seconds, peak resident memory; then the ratio
of ours to Kafka's. A plain `cat` and ref_scan (read and checksum) show what the machine allows.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

import kafka_jvm

SEGMENT = os.path.join("bench-0", "00000000000000000000.log")
KAFKA_HEAP = "-Xmx256M"   # what Kafka's own scripts give to a tool
MIB = 1 << 20


def run(measure, command):
    """CPU seconds, wall seconds and peak memory in MiB of a command."""
    with tempfile.TemporaryFile() as answer:
        done = subprocess.run([measure, str(answer.fileno()), *command], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, pass_fds=[answer.fileno()], check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: status {done.returncode}: {done.stderr[-2000:].decode()}")
        answer.seek(0)
        cpu, wall, peak_kib = (float(word) for word in answer.read().split())
    return cpu, wall, peak_kib / 1024


def take_turns(measure, programs, runs):
    """Medians per program; the programs take turns, after one run each that does not count."""
    samples = {name: [] for name, _ in programs}
    for turn in range(runs + 1):
        for name, command in programs:
            sample = run(measure, command)
            if turn > 0:
                samples[name].append(sample)
    return {name: tuple(statistics.median(column) for column in zip(*rows)) for name, rows in samples.items()}


def programs_for(path, arguments, classpath):
    kafka = ["java", KAFKA_HEAP, "-cp", classpath, "org.apache.kafka.tools.DumpLogSegments"]
    return [
        ("cat", ["cat", path]),
        ("ref_scan", [os.path.join(arguments.programs, "ref_scan"), path]),
        ("logstore dump", [arguments.cli, "dump", path]),
        ("Kafka batches", kafka + ["--files", path]),
        ("logstore dump --records", [arguments.cli, "dump", "--records", path]),
        ("Kafka records", kafka + ["--deep-iteration", "--print-data-log", "--files", path]),
    ]


def show(codec, size, medians):
    print(f"\ncodec {codec}, {size / MIB:.0f} MiB")
    print(f"{'':<26}{'CPU s':>9}{'CPU s/GB':>10}{'wall s':>9}{'RSS MiB':>9}")
    for name, (cpu, wall, memory) in medians.items():
        print(f"{name:<26}{cpu:>9.2f}{cpu / size * 1e9:>10.2f}{wall:>9.2f}{memory:>9.1f}")
    for what, ours, theirs in (("batches", "logstore dump", "Kafka batches"),
                               ("records", "logstore dump --records", "Kafka records")):
        cpu, _, memory = (a / b for a, b in zip(medians[ours], medians[theirs]))
        print(f"ours / Kafka, {what}: CPU {cpu:.3f} (1/{1 / cpu:.1f}), memory {memory:.3f} (1/{1 / memory:.1f})")


def main():
    parser = argparse.ArgumentParser(description="logstore dump against Kafka's DumpLogSegments")
    parser.add_argument("--cli", required=True, help="the logstore command")
    parser.add_argument("--programs", required=True, help="folder with make_segment, measure and ref_scan")
    parser.add_argument("--bytes", type=int, default=1 << 30, help="size of the segment (1 GiB)")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--codecs", default="none,lz4")
    parser.add_argument("--folder", help="where to make the segments; default: the system's temporary folder")
    arguments = parser.parse_args()
    try:
        classpath = kafka_jvm.classpath()
    except kafka_jvm.Unavailable as reason:
        print(f"SKIP: {reason}")
        return 77
    make, measure = (os.path.join(arguments.programs, name) for name in ("make_segment", "measure"))
    folder = tempfile.mkdtemp(prefix="logstore-bench-", dir=arguments.folder)
    try:
        for codec in arguments.codecs.split(","):
            store = os.path.join(folder, codec)
            subprocess.run([make, store, codec, str(arguments.bytes)], check=True)
            path = os.path.join(store, SEGMENT)
            medians = take_turns(measure, programs_for(path, arguments, classpath), arguments.runs)
            show(codec, os.path.getsize(path), medians)
            shutil.rmtree(store)
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
