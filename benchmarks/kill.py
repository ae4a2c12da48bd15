"""What readers see, and what the next build does, when `kill -9` ends dbt builds at random moments.

    .venv/bin/python benchmarks/kill.py [--moments 20] [--builds 4] [--after 0.0] [--seed 5]

A tiny world is built and published. A reader process then opens the published file again and again while one build
after another is killed, each in its own part of the build's nodes, at a seeded node of that part and a seeded fraction
of a second later. After every few kills, and after the last, a build runs to its end. Exits with 1 where a reader
missed a complete answer, a build that was not killed failed, or a left-over stays.
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models_py"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "python"))

from conftest import ROOT, TINY_WORLD, Warehouse
from relevance.publication import versions

STARTED = re.compile(r"(\d+) of (\d+) START (.*?) \.{2,}")


def followed(process: subprocess.Popen, node: int | None, delay: float) -> tuple[str, int, float]:
    """Reads what a build prints; kills it `delay` seconds after it started `node`. What ran last, nodes, seconds."""
    start, running, nodes = time.perf_counter(), "starting", 0
    for line in process.stdout:
        if found := STARTED.search(line):
            running, nodes = found[3], int(found[2])
            if node is not None and int(found[1]) >= node:
                time.sleep(delay)
                process.send_signal(signal.SIGKILL)
                break
    process.stdout.close()
    if process.wait() != -signal.SIGKILL and node is not None:
        sys.exit(f"a build failed before it was killed, after {running}")
    return running, nodes, time.perf_counter() - start


def served(warehouse: Warehouse) -> str:
    """Version that is served, and whether all that are kept are complete."""
    rows = versions(str(warehouse.published_file.parent))
    (current,) = [row["version"] for row in rows if row["is_served"]]
    return f"{current}, {' '.join(sorted({row['checksum'] for row in rows}))}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--builds", type=int, default=4, help="builds that run to their end, spread over the kills")
    parser.add_argument("--after", type=float, default=0.0, help="share of the nodes that every build gets to")
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    chance, failed = random.Random(options.seed), False
    with tempfile.TemporaryDirectory() as folder:
        warehouse = Warehouse(Path(folder))
        first = warehouse.start("build", **TINY_WORLD)
        _, nodes, seconds = followed(first, None, 0.0)
        if first.returncode:
            sys.exit("the first build failed")
        print(f"a build of {nodes} nodes takes {seconds:.0f} s; {options.moments} of them are killed", flush=True)
        print(f"{'node':>5} {'after s':>8}  {'served':<14} {'next build':<22} what was running", flush=True)
        command = [
            sys.executable,
            str(ROOT / "tests" / "python" / "published_reader.py"),
            str(warehouse.published_file),
        ]
        reader = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        every = max(1, options.moments // options.builds)
        for part in range(options.moments):
            share = options.after + (1.0 - options.after) * (part + chance.random()) / options.moments
            node = 1 + int(nodes * share)
            running, _, after = followed(warehouse.start("build", **TINY_WORLD), node, chance.uniform(0.0, 0.3))
            state, following = served(warehouse), ""
            if (part + 1) % every == 0:
                again = warehouse.start("build", **TINY_WORLD)
                followed(again, None, 0.0)
                following = f"{'failed' if again.returncode else 'succeeds'}, serves {served(warehouse).split(',')[0]}"
                failed |= again.returncode != 0
            print(f"{node:>5} {after:>8.1f}  {state:<14} {following:<22} {running}", flush=True)
        printed, _ = reader.communicate("\n", timeout=60)
        seen = json.loads(printed.splitlines()[-1])
        answers = ", ".join(f"version {version}: {count}" for version, count in seen["versions"].items())
        print(f"the reader's complete answers: {answers}; longest {seen['longest_milliseconds']:.0f} ms")
        print(f"what a reader missed: {seen['failure'] or 'nothing'}")
        left_over = [name for name in os.listdir(warehouse.published_file.parent / "versions") if name.startswith(".")]
        print(f"left-overs in the folder: {left_over or 'none'}")
    sys.exit(failed or seen["failure"] is not None or bool(left_over))


if __name__ == "__main__":
    main()
