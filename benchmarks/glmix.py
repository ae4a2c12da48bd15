"""GLMix: per-member models against scikit-learn and scipy one member at a time, and the passes to the joint optimum.

    .venv/bin/python benchmarks/glmix.py [--members 200000] [--preset big]

All in one run and in CPU-seconds of one thread; the ratios are what to read, machines differ. Then the variant glmix on
a preset of the simulated world: penalties chosen, trained to the certificate, seconds and peak memory of its process.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import fmin_l_bfgs_b
from scipy.sparse import csr_matrix, hstack
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models_py"))

from supervised import dbt

from relevance.glmix import Features, Problem, Rows, Settings, fit_glmix

CHAIN = ("m101", "m102", "m103", "m104", "m105", "glmix")
GROUPS = (10, 8, 4)  # levels of three categories; eight numbers beside them
NUMBERS = 8
SAMPLE = 1_000  # members that the yardsticks fit
ROUNDS = 3
L2 = 1.0


def generated(members: int, seed: int = 0) -> tuple[Rows, NDArray]:
    """About 20 rows a member (log-normal, at most 500), 11 of 30 features each; returns the rows, sorted by member, and
    where each member's begin."""
    rng = np.random.default_rng(seed)
    n = np.minimum(500, np.ceil(rng.lognormal(np.log(20) - 0.5, 1.0, members))).astype(int)
    first = np.r_[0, np.cumsum(n)]
    member = np.repeat(np.arange(members), n)
    columns, values, at = [], [], 0
    for levels in GROUPS:
        share = 1 / np.arange(1, levels + 1)
        columns.append(at + rng.choice(levels, len(member), p=share / share.sum()))
        values.append(np.ones(len(member)))
        at += levels
    for _ in range(NUMBERS):
        columns.append(np.full(len(member), at))
        values.append(0.5 * rng.standard_normal(len(member)))
        at += 1
    columns, values = np.stack(columns, axis=1), np.stack(values, axis=1)
    indptr = np.arange(0, columns.size + 1, columns.shape[1])
    x = csr_matrix((values.ravel(), columns.ravel(), indptr), (len(member), at))
    taste = 0.6 * rng.standard_normal((members, at + 1))
    offset = rng.standard_normal(len(member)) - 1
    z = offset + taste[member, 0] + (values * taste[member[:, None], 1 + columns]).sum(axis=1)
    y = (rng.random(len(member)) < expit(z)).astype(float)
    return Rows({"member": Features(x, member)}, y, offset=offset), first


def scipy_member(x: NDArray, y: NDArray, offset: NDArray) -> NDArray:
    def value_and_gradient(theta: NDArray) -> tuple[float, NDArray]:
        z = offset + x @ theta
        return (np.logaddexp(0, z) - y * z).sum() + 0.5 * L2 * theta @ theta, x.T @ (expit(z) - y) + L2 * theta

    return fmin_l_bfgs_b(value_and_gradient, np.zeros(x.shape[1]), factr=1e-12 / np.finfo(float).eps)[0]


def sklearn_member(x: NDArray, y: NDArray, offset: NDArray) -> None:
    """It takes no offset: an easier problem."""
    if len(np.unique(y)) == 2:
        LogisticRegression(C=1 / L2, fit_intercept=False, tol=1e-6, max_iter=200).fit(x, y)


def measured(function) -> float:
    began = time.process_time()
    function()
    return time.process_time() - began


def compiled() -> None:
    """The first fit of a process, with an empty cache and with a filled one."""
    code = (
        "import time, numpy as np; from relevance.glmix import *; "
        "rows = Rows({'member': Features(np.eye(200)[:, :3], np.arange(200) // 40)}, np.arange(200) % 2); "
        "began = time.process_time(); fit_glmix(rows, variances=True); print(f'{time.process_time() - began:.1f}')"
    )
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"NUMBA_CACHE_DIR": folder, "PYTHONPATH": sys.path[0]}
        cold, warm = (
            subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
            for _ in range(2)
        )
    print(f"first fit of a process: {cold.stdout.strip()} CPU-s compiling, {warm.stdout.strip()} CPU-s from the cache")


def per_member(members: int) -> None:
    rows, first = generated(members)
    features = rows.effects["member"]
    sample = np.sort(np.random.default_rng(5).choice(members, min(SAMPLE, members), replace=False))
    one = {
        e: (np.hstack([np.ones((first[e + 1] - first[e], 1)), features.x[first[e] : first[e + 1]].toarray()]),
            rows.y[first[e] : first[e + 1]], rows.offset[first[e] : first[e + 1]])
        for e in sample.tolist()
    }  # fmt: skip
    sample_rows = sum(len(y) for _, y, _ in one.values())
    problem = Problem(rows, {"member": Settings(L2)}, threads=1)
    speeds: dict[str, list[float]] = {"glmix": [], "scipy": [], "scikit-learn": []}
    for _ in range(ROUNDS):
        problem.move_to(np.zeros_like(problem.theta))
        speeds["glmix"].append(len(rows.y) / measured(lambda: problem.sweep(50)))
        speeds["scipy"].append(sample_rows / measured(lambda: [scipy_member(*one[e]) for e in one]))
        speeds["scikit-learn"].append(sample_rows / measured(lambda: [sklearn_member(*one[e]) for e in one]))
    best = {name: max(of) for name, of in speeds.items()}
    print(f"{members:,} members, {len(rows.y):,} rows, 30 features; rows per CPU-second, best of {ROUNDS}")
    for name, speed in best.items():
        print(f"  {name:13} {speed:12,.0f}   glmix is {best['glmix'] / speed:6.1f} times as fast")
    block = problem.blocks[0]
    worst = 0.0
    for e in sample.tolist():
        x, y, offset = one[e]
        ours = np.zeros(x.shape[1])
        ours[block.column[block.first[e] : block.first[e + 1]]] = problem.theta[block.first[e] : block.first[e + 1]]
        value = [
            (np.logaddexp(0, offset + x @ t) - y * (offset + x @ t)).sum() + 0.5 * L2 * t @ t
            for t in (ours, scipy_member(x, y, offset))
        ]
        worst = max(worst, value[0] - value[1])
    print(f"  a member's objective above scipy's: {worst:.1e} at most, over {len(sample)} members")


def outer_loop() -> None:
    """Global + per-member + per-course on 2,000 members: what block coordinate descent needs, and what this does."""
    rows, _ = generated(2_000, seed=2)
    rng = np.random.default_rng(3)
    member = np.asarray(rows.effects["member"].entity)
    course = rng.integers(0, 100, len(member))
    of_member = csr_matrix((rng.random((2_000, 5)) < 0.3).astype(float))[member]
    x = hstack([rows.effects["member"].x, of_member], format="csr")
    effects = {"global": Features(x), "member": rows.effects["member"], "course": Features(of_member, course)}
    joint = Rows(effects, rows.y, offset=rows.offset)
    seconds = measured(lambda: fit_glmix(joint, threads=1, tolerance=1e-6))
    fit = fit_glmix(joint, threads=1, tolerance=1e-6)
    optimum = fit_glmix(joint, threads=1, tolerance=1e-10).objective
    print(f"joint optimum, {len(rows.y):,} rows: F / F* - 1 after each pass, and its bound")
    for one in fit.passes:
        print(f"  {one.number:3} {one.step:7} {one.objective / optimum - 1:9.1e} {one.certificate / optimum:9.1e}")
    problem, passes, descent = Problem(joint, threads=1), 0, 0.0
    while problem.value / optimum - 1 > 1e-6 and passes < 300:
        descent += measured(lambda: problem.sweep(50))
        passes += 1
    print(f"  to 1e-6: {len(fit.passes)} passes, {seconds:.2f} CPU-s with the bound; ", end="")
    print(f"block coordinate descent alone {passes} passes, {descent:.2f} CPU-s: {descent / seconds:.1f} times as long")


def on_the_world(preset: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        layers = ("world", "staging", "skills", "features", "labels", "training", "m105", "global_logits")
        before, _ = dbt(folder, preset, CHAIN, "seed")
        before += dbt(folder, preset, CHAIN, "run", "--select", *layers, "mixed_examples")[0]
        print(f"{preset}: everything up to m105 and its logits {before:.0f} s (not measured)")
        seconds, peak = dbt(folder, preset, CHAIN, "run", "--select", "glmix")
        with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
            ((rows,),) = connection.execute("select count(*) from variants.mixed_examples").fetchall()
            ((members, courses, coefficients),) = connection.execute(
                "select count(distinct if(effect = 'member', entity_id, null)), "
                "count(distinct if(effect = 'course', entity_id, null)), count(*) from variants.glmix"
            ).fetchall()
        print(
            f"glmix: {seconds:.0f} s with dbt's start (limit 90 s), peak {peak:.2f} GB (limit 6 GB), "
            f"{rows:,} examples, {members:,} members, {courses:,} courses, {coefficients:,} rows of coefficients"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=200_000)
    parser.add_argument("--preset", default="big")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    compiled()
    with threadpool_limits(1):
        per_member(arguments.members)
        outer_loop()
    on_the_world(arguments.preset)


if __name__ == "__main__":
    main()
