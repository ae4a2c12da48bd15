"""Tags a real catalogue with the project's own models and prints their precision and recall.

python examples/catalogue/tag_catalogue.py <file.parquet or .csv> course_id=COLUMN tags=COLUMN title=COLUMN ...

NAME=COLUMN says which column holds what: course_id, tags (the provider's), and at least one text: title, description,
section, video, transcript; language is counted. COLUMN may be several joined with +. A column holds a text or a list of
texts (a list, or a text like "['Excel', 'Word']").
"""

import argparse
import ast
import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models_py"))

from relevance.skill_models import precision_recall, resampled_counts  # noqa: E402

TEXTS = ("title", "description", "section", "video", "transcript")
NAMES = ("course_id", "tags", "language", *TEXTS)
FEWEST_COURSES = 10
# models that do not depend on the fold
UNCHANGED = (
    "staging", "cs01", "cs02", "course_texts", "course_words", "alias_meanings", "skill_correlations", "cs04_terms",
    "tagged_languages",
)  # fmt: skip
YARDSTICK = "plain_classifier"


class CatalogueError(Exception):
    """What is wrong with the catalogue, and the remedy."""


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("columns", nargs="+", metavar="NAME=COLUMN")
    parser.add_argument("--minimum", type=int, default=10, help="courses that a tag needs to count as a skill (10)")
    parser.add_argument("--where", default="true", help="SQL condition on the rows of the file")
    parser.add_argument("--folds", type=int, default=5, help="each is tagged by models of the others, 2 or more (5)")
    options = parser.parse_args(arguments)
    if options.folds < 2:
        parser.error(f"--folds {options.folds}: at least 2 are needed, one to learn from")
    try:
        catalogue = read_catalogue(options.file, parse_columns(options.columns), options.where)
        skills = skills_of(catalogue, options.minimum)
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(ROOT):
            measure(catalogue, skills, options.folds, Path(folder))
    except CatalogueError as error:
        sys.exit(f"{options.file}: {error}")


def parse_columns(pairs: list[str]) -> dict[str, list[str]]:
    columns = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not equals or name not in NAMES:
            raise CatalogueError(f"'{pair}' is not NAME=COLUMN. Remedy: NAME is one of {', '.join(NAMES)}")
        columns[name] = column.split("+")
    missing = [name for name in ("course_id", "tags") if name not in columns]
    if missing or not columns.keys() & set(TEXTS):
        raise CatalogueError(
            f"no column given for {', '.join(missing) or 'a text'}. "
            f"Remedy: give course_id=, tags= and one of {', '.join(TEXTS)}"
        )
    return columns


def read_catalogue(file: Path, columns: dict[str, list[str]], where: str) -> list[dict]:
    """One dictionary per course: course_id, tags (set), texts (str) and language."""
    if not file.is_file():
        raise CatalogueError("there is no such file. Remedy: name a Parquet or CSV file")
    try:
        quoted = str(file).replace("'", "''")
        table = duckdb.sql(f"select * from '{quoted}' where {where}").to_arrow_table()
    except duckdb.Error as error:
        raise CatalogueError(
            f"cannot be read: {str(error).splitlines()[0]}. Remedy: see --where and the file"
        ) from None
    spelled = {name.lower(): name for name in table.column_names}  # as in SQL, case does not matter
    unknown = [column for parts in columns.values() for column in parts if column.lower() not in spelled]
    if unknown:
        raise CatalogueError(f"has no column {', '.join(unknown)}. Remedy: it has {', '.join(table.column_names)}")
    rows = []
    for row in table.to_pylist():
        parts = {
            name: [part for column in columns[name] for part in texts(row[spelled[column.lower()]])] for name in columns
        }
        course = {name: "\n".join(parts[name]) for name in columns if name != "tags"}
        rows.append(course | {"tags": set(parts["tags"])})
    ids = [row["course_id"] for row in rows]
    empty, repeated = sum(not course for course in ids), len(ids) - len(set(ids))
    if empty or repeated:
        raise CatalogueError(
            f"{empty} of {len(ids)} rows have no {columns['course_id'][0]}, {repeated} repeat one. "
            "Remedy: one row per course (--where leaves rows out)"
        )
    return sorted(rows, key=lambda row: row["course_id"])


def texts(value) -> list[str]:
    """The texts of a cell: of a list, of a text that writes a list, or the text itself."""
    if value is None:
        return []
    if isinstance(value, str) and value.lstrip().startswith("[") and value.rstrip().endswith("]"):
        with contextlib.suppress(SyntaxError, ValueError):
            value = ast.literal_eval(value.strip())
    values = value if isinstance(value, (list, tuple)) else [value]
    return [text for text in (str(v).strip() for v in values if v is not None) if text]


def skills_of(catalogue: list[dict], minimum: int) -> list[str]:
    counts: dict[str, int] = {}
    for course in catalogue:
        for tag in course["tags"]:
            counts[tag] = counts.get(tag, 0) + 1
    skills = sorted(tag for tag, count in counts.items() if count >= minimum)
    if not skills:
        raise CatalogueError(
            f"none of its {len(counts)} tags is on {minimum} courses, the most frequent on "
            f"{max(counts.values(), default=0)}. Remedy: a lower --minimum"
        )
    tagged = sum(bool(course["tags"] & set(skills)) for course in catalogue)
    if tagged < FEWEST_COURSES:
        raise CatalogueError(f"{tagged} courses have a tag, {FEWEST_COURSES} are needed. Remedy: a larger catalogue")
    return skills


def write_raw(catalogue: list[dict], raw: Path) -> None:
    """The catalogue as raw tables of the contract (dbt_project/models/staging/_raw.yml), rare tags included: a course
    that has only such tags is known to have none of the others."""
    raw.mkdir()
    tags = sorted({tag for course in catalogue for tag in course["tags"]})
    number = {tag: str(i) for i, tag in enumerate(tags)}

    def write(name: str, rows: list[dict]) -> None:
        if rows:
            pq.write_table(pa.Table.from_pylist(rows), raw / f"{name}.parquet")

    def text_rows(part: str, column: str, **others) -> list[dict]:
        return [{"course_id": c["course_id"], column: c[part], **others} for c in catalogue if c.get(part)]

    write("members", [{"member_id": "nobody"}])
    write(
        "courses",
        [
            {
                "course_id": c["course_id"],
                "title": c.get("title") or "-",
                "description": c.get("description"),
                "language": c.get("language"),
            }
            for c in catalogue
        ],
    )
    write("course_transcripts", text_rows("transcript", "transcript"))
    write("course_sections", text_rows("section", "name", section_number=1))
    write("course_videos", text_rows("video", "name", section_number=1, video_number=1))
    write("skills", [{"skill_id": number[tag], "name": tag} for tag in tags])
    write(
        "course_skill_curation",
        [
            {"course_id": c["course_id"], "skill_id": number[tag], "verdict": "add"}
            for c in catalogue
            for tag in sorted(c["tags"])
        ],
    )


class Models:
    """The models of the project on the raw tables of a folder, by dbt in this process, which reads the project once."""

    def __init__(self, folder: Path, parts: list[str], folds: int) -> None:
        os.environ |= {
            "COURSE_RECOMMENDER_WAREHOUSE": str(folder / "warehouse.duckdb"),
            "COURSE_RECOMMENDER_PUBLISHED": str(folder / "published"),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
        }
        self.variables = {
            "raw_location": str(folder / "raw"),
            "id_type": "varchar",
            "held_out_share": 1 / folds,
            "cs04_text_parts": "|".join(parts),
        }
        self.manifest = None
        self.manifest = self._invoke("parse", 0)

    def run(self, fold: int, *selection: str) -> None:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        self._invoke("run", fold, "--select", *selection)
        DuckDBConnectionManager.close_all_connections()

    def _invoke(self, command: str, fold: int, *arguments: str):
        from dbt.cli.main import dbtRunner  # takes seconds, and bad input is told before

        variables = json.dumps(self.variables | {"held_out_fold": fold})
        quiet = ("--quiet", "--log-level", "none", "--no-use-colors")
        runner = dbtRunner(manifest=self.manifest)
        done = runner.invoke([*quiet, command, "--vars", variables, *arguments])
        if not done.success:
            results = getattr(done.result, "results", ())
            messages = [f"{r.node.name}: {r.message}" for r in results if r.status == "error"] or [str(done.exception)]
            raise CatalogueError("the models did not run:\n" + "\n".join(messages))
        return done.result


def measure(catalogue: list[dict], skills: list[str], folds: int, folder: Path) -> None:
    """Folds by course: each is scored by models that saw none of its tags."""
    write_raw(catalogue, folder / "raw")
    given = [part for part in TEXTS if any(course.get(part) for course in catalogue)]
    parts = ["transcript"] if "transcript" in given else given
    text = {c["course_id"]: "\n".join(c.get(part, "") for part in parts) for c in catalogue}
    measured = set(skills)
    truth = {(c["course_id"], skill) for c in catalogue for skill in c["tags"] & measured}
    predicted: dict[str, set] = {"cs02": set(), "cs03": set(), "cs04": set()}
    yardsticks: dict[int, set] = {1: set(), 10: set()}
    models = Models(folder, parts, folds)
    for fold in range(folds):
        later = ("--exclude", *UNCHANGED) if fold else ("tagged_languages",)
        models.run(fold, "+course_skill_quality", *later)
        with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
            splits = dict(connection.sql("select course_id, split from skills.course_splits").fetchall())
            for mapping, pairs in predicted.items():
                condition = "true" if mapping == "cs02" else "source <> 'taxonomist'"
                rows = connection.sql(
                    f"select distinct course_id, name from skills.{mapping} "
                    f"inner join staging.stg_skills using (skill_id) where {condition}"
                ).fetchall()
                pairs |= {
                    (course, skill) for course, skill in rows if splits.get(course) == "test" and skill in measured
                }
            languages = connection.sql("from skills.tagged_languages order by courses desc, language").fetchall()
        for c, pairs in yardsticks.items():
            pairs |= yardstick(text, truth, splits, skills, c)
        print(f"fold {fold + 1} of {folds}", file=sys.stderr, flush=True)
    best = max(yardsticks.values(), key=lambda pairs: scores(pairs, truth)[2])
    tagged = sum(bool(course["tags"]) for course in catalogue)
    print(f"\n{len(catalogue)} courses, {tagged} of them tagged, {len(skills)} skills, {len(truth)} pairs")
    for language, courses, with_words, found, *_ in languages:
        print(f"language {language}: {courses} courses, {with_words} with words, in {found} the tagger finds a skill")
    print(f"cs04 and the yardstick read {', '.join(parts)}; {folds} folds by course, 95 % intervals over courses\n")
    heads = "".join(f"{name:>10}{'low':>8}{'high':>8}" for name in ("precision", "recall", "f1"))
    print(f"{'mapping':<18}{heads}")
    for mapping, pairs in [*predicted.items(), (YARDSTICK, best)]:
        values = zip(scores(pairs, truth), intervals(pairs, truth), strict=True)
        print(f"{mapping:<18}" + "".join(f"{value:>10.3f}{low:>8.3f}{high:>8.3f}" for value, (low, high) in values))
    print(f"\n{YARDSTICK}: a plain TF-IDF logistic regression per skill on the same folds")


def yardstick(text: dict, truth: set, splits: dict, skills: list[str], c: float) -> set:
    """Pairs of the test courses by the plain classifier: what one would write first."""
    train = [course for course, split in splits.items() if split != "test"]
    test = [course for course, split in splits.items() if split == "test"]
    if not train or not test:
        return set()
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=2)
    try:
        x = vectorizer.fit_transform([text[course] for course in train])
    except ValueError:  # no word is in two courses
        return set()
    x_test = vectorizer.transform([text[course] for course in test])
    found = set()
    for skill in skills:
        y = [(course, skill) in truth for course in train]
        if any(y) and not all(y):
            model = LogisticRegression(C=c, class_weight="balanced", solver="liblinear").fit(x, y)
            found |= {(course, skill) for course, hit in zip(test, model.predict(x_test), strict=True) if hit}
    return found


def scores(pairs: set, truth: set) -> tuple[float, float, float]:
    return precision_recall(len(pairs & truth), len(pairs), len(truth))


def intervals(pairs: set, truth: set) -> list[tuple[float, float]]:
    """95 % bootstrap intervals of precision, recall and F1 over courses."""
    courses = sorted({course for course, _ in pairs | truth})
    place = {course: i for i, course in enumerate(courses)}
    counts = np.zeros((3, len(courses)))
    for row, kind in enumerate((pairs & truth, pairs, truth)):
        np.add.at(counts[row], [place[course] for course, _ in kind], 1)
    hits, found, positives = resampled_counts(counts)
    return [
        tuple(np.quantile(hits / np.maximum(total, 1), [0.025, 0.975]))
        for total in (found, positives, (found + positives) / 2)
    ]


if __name__ == "__main__":
    main(sys.argv[1:])
