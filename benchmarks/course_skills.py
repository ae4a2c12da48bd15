"""Course skills at scale: 20,000 courses x 10,000 skills tagged, cs03 and cs04 trained and scored.

Prints seconds and peak memory of the skills layer's course half on a catalogue of the simulated world's text, and the
seconds per course against the same run on half of it: 1.0 is linear in text.

    .venv/bin/python benchmarks/course_skills.py [courses, default 20000]
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "models_py"))

from relevance.world.config import CATEGORIES, WorldConfig  # noqa: E402
from relevance.world.tables import TABLES, simulation  # noqa: E402

SKILLS = 10_000
ENGINE_MEMORY = "3GB"  # of the 6 GB; the Python models need the rest
CHUNK = 1_000  # courses whose texts are written at once
CATALOGUE_TABLES = (
    "courses", "course_transcripts", "course_sections", "course_videos", "course_categories", "course_skill_curation",
)  # fmt: skip
TAXONOMY_TABLES = ("members", "member_profile_skills", "skills", "skill_aliases", "skill_similarities", "categories",
                   "category_skills")  # fmt: skip
MODELS = ("+course_skill_quality", "cs03", "cs04", "--exclude", "staging")


@dataclass(frozen=True)
class LargeTaxonomy(WorldConfig):
    """A world whose taxonomy does not grow with its courses."""

    @property
    def skills_per_category(self) -> int:
        return SKILLS // CATEGORIES


def write_catalogue(folder: Path, courses: int) -> None:
    """Raw tables: chunks of the simulated catalogue, each a world of its own seed, with keys one after the other."""
    for chunk in range(courses // CHUNK):
        world = simulation(LargeTaxonomy(seed=chunk, members=5000, courses=CHUNK, days=14))
        for name in CATALOGUE_TABLES + (TAXONOMY_TABLES if chunk == 0 else ()):
            table = TABLES["raw", name](world)
            if "course_id" in table.column_names:
                shifted = table.column("course_id").to_numpy() + chunk * CHUNK
                table = table.set_column(table.column_names.index("course_id"), "course_id", [shifted])
            (folder / name).mkdir(exist_ok=True)
            pq.write_table(table, folder / name / f"{chunk:03}.parquet")
        print(f"\r{(chunk + 1) * CHUNK:,} courses written", end="", flush=True)
    print()


def run(raw: Path, folder: Path, *selection: str) -> tuple[float, float]:
    """Seconds, and peak GB of the largest child so far."""
    environment = os.environ | {
        "COURSE_RECOMMENDER_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "COURSE_RECOMMENDER_PUBLISHED": str(folder / "published"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "COURSE_RECOMMENDER_MEMORY": ENGINE_MEMORY,
    }
    command = [str(Path(sys.executable).parent / "dbt"), "--no-use-colors", "run", "--vars"]
    start = time.perf_counter()
    done = subprocess.run(
        [*command, json.dumps({"raw_location": str(raw)}), "--select", *selection],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(done.stdout[-4000:])
    for line in done.stdout.splitlines():
        if " OK created " in line and float(line.rsplit(" in ", 1)[1].split("s")[0]) > 3:
            print("   ", line.split("model ")[1])
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6


def main() -> None:
    courses = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    per_course = {}
    for count in (courses // 2, courses):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "raw").mkdir()
            write_catalogue(folder / "raw", count)
            run(folder / "raw", folder, "staging")
            seconds, peak = run(folder / "raw", folder, *MODELS)
            with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
                ((words,),) = connection.sql("select sum(count) from skills.course_words").fetchall()
                ((skills, models),) = connection.sql(
                    "select (select count(*) from staging.stg_skills), count(distinct skill_id) from skills.cs04_labels"
                ).fetchall()
            per_course[count] = seconds / count
            print(
                f"{count:,} courses, {words / 1e6:.0f} M words, {skills:,} skills, {models} classifiers: "
                f"{seconds:.0f} s (limit 300 s at 20,000), peak {peak:.2f} GB (limit 6 GB)"
            )
    print(f"seconds per course, against half the courses: {per_course[courses] / per_course[courses // 2]:.2f}")


if __name__ == "__main__":
    main()
