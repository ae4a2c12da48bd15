"""What docs/extend.md says one does to add to the project, done to a copy of it line by line, and built."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from conftest import ROOT, TINY_WORLD, WITHOUT_TESTS, Warehouse
from doc_pages import Block, blocks

LEAD = re.compile(r".*?(A new file|At the end of|Under `variants:` in|In)\s+`([^`]+)`:", re.S)
ADDITIONS = {
    "A variant": 4, "A feature": 2, "A derived feature": 3, "A label set": 3, "A learner": 4, "A channel": 2,
    "A reason": 4, "An experiment": 2,
}  # fmt: skip


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, f"{file}: no '{old}'"
    file.write_text(text.replace(old, new, 1))


def perform(block: Block, project: Path) -> set[str]:
    """Does to the project what the block, or the words before it, say; returns the files it touched."""
    if not block.kind:
        copies = [shlex.split(line)[1:] for line in block.text.splitlines() if line.startswith("cp ")]
        for source, target in copies:
            assert not (project / target).exists(), f"{block}: {target} is there"
            shutil.copyfile(project / source, project / target)
        return {target for _, target in copies}
    lead = LEAD.fullmatch(block.lead)
    assert lead, f"{block}: '{block.lead}' does not say where it goes"
    how, name = lead[1], lead[2]
    file = project / name
    if how == "A new file":
        assert not file.exists(), f"{block}: {name} is there"
        file.write_text(block.text)
    elif how == "At the end of":
        file.write_text(file.read_text() + block.text)
    elif how.startswith("Under"):
        edit(file, "  variants:\n", f"  variants:\n{block.text}")
    else:
        lines = block.text.splitlines(keepends=True)
        assert block.kind == "diff", block
        edit(file, *("".join(line[1:] for line in lines if line[0] != sign) for sign in "+-"))
    return {name}


@pytest.fixture(scope="module")
def extended(tmp_path_factory) -> tuple[Warehouse, dict[str, set[str]]]:
    """A build of a copy of the project with all additions, and the files that each touched."""
    folder = tmp_path_factory.mktemp("extended")
    project = folder / "project"
    shutil.copytree(ROOT, project, ignore=shutil.ignore_patterns(".*", "target", "logs", "published*", "*.duckdb*"))
    touched: dict[str, set[str]] = {}
    for block in blocks(ROOT / "docs" / "extend.md"):
        if files := perform(block, project):
            touched[block.section] = touched.get(block.section, set()) | files
    warehouse = Warehouse(folder / "warehouse", root=project)
    warehouse.dbt("build", *WITHOUT_TESTS, **TINY_WORLD)
    return warehouse, touched


def test_each_addition_touches_few_files_and_stands_in_the_table(extended) -> None:
    assert {name: len(files) for name, files in extended[1].items()} == ADDITIONS
    table = (ROOT / "docs" / "extend.md").read_text()
    for name in ADDITIONS:
        assert f"[{name[0].lower()}{name[1:]}](#{name.lower().replace(' ', '-')})" in table


def test_a_new_variant_is_learned_measured_and_served(extended) -> None:
    warehouse, _ = extended
    assert ("m101_strict",) in warehouse.query("select distinct variant from variants.offline_metrics")
    norms = dict(
        warehouse.query(
            "select variant, sum(coefficient * coefficient) from variants.coefficients "
            "where feature <> 'intercept' group by all"
        )
    )
    assert norms["m101_strict"] < norms["m101_whole"]
    shares = dict(
        warehouse.query(
            "select variant, count(distinct member_id) from serving.recommendations "
            "where channel = 'profile' group by all"
        )
    )
    assert set(shares) == {"m105_pooled", "m101_strict"}
    assert min(shares.values()) > 60  # half of 200 members each, by hash
    ((member,),) = warehouse.query(
        "select min(member_id) from serving.assignments where channel = 'profile' and variant = 'm101_strict'"
    )
    served = warehouse.published("select variant from recommend(?, 'profile')", member)
    assert {row[0] for row in served} == {"m101_strict"}


def test_a_new_feature_and_a_new_transformation_are_listed_and_learned_from(extended) -> None:
    warehouse, _ = extended
    assert warehouse.query("select rows > 50 from features.feature_catalog where feature = 'member_company'") == [
        (True,)
    ]
    assert warehouse.query(
        "select entity, kind, expression from features.feature_catalog where feature = 'engagement_level'"
    ) == [("member", "category", "bucket(member_engagements, 0.5, 1.5)")]
    terms = warehouse.query(
        "select distinct feature, term from variants.m101_more where feature in ('member_company', 'engagement_level')"
    )
    assert (
        {("engagement_level", term) for term in ("(-inf, 0.5)", "[0.5, 1.5)", "[1.5, inf)")}
        >= {row for row in terms if row[0] == "engagement_level"}
        > set()
    )
    assert sum(feature == "member_company" for feature, _ in terms) > 5


def test_new_variants_are_described(extended) -> None:
    assert extended[0].query(
        "select comment from duckdb_tables() where table_name in ('m101_strict', 'reason_new_release') order by 1"
    ) == [
        ("One row per coefficient of m101 with a strong penalty.",),
        ("One row per member and recommended course of the last 30 days.",),
    ]


def test_a_new_learner_is_measured_served_and_explained(extended) -> None:
    warehouse, _ = extended
    ((auc, calibration),) = warehouse.query(
        "select roc_auc, calibration from variants.offline_metrics "
        "where variant = 'm101_base_rate' and split = 'validation' and channel = 'feed'"
    )
    assert auc == 0.5
    assert 0.3 < calibration < 3
    ((members,),) = warehouse.query(
        "select count(distinct member_id) from scoring.learned_scores where variant = 'm101_base_rate'"
    )
    assert members > 60

    ((member, course, score),) = warehouse.query(
        "select member_id, course_id, score from serving.recommendations "
        "where channel = 'newsletter' and variant = 'm101_base_rate' order by all limit 1"
    )
    parts = warehouse.published("select effect, part from explain(?, 'newsletter', ?)", member, course)
    assert parts == [("global", pytest.approx(score, abs=5e-4))]


def test_a_new_reason_is_shown(extended) -> None:
    assert extended[0].query(
        "select distinct reason_text from serving.recommendations where reason = 'new_release'"
    ) == [("New: released this month",)]


def test_a_new_experiment_has_a_result(extended) -> None:
    rows = extended[0].query(
        "select metric, variant, baseline, members > 30, verdict is not null from experiments.experiment_results "
        "where experiment = 'strict_over_m101' order by metric"
    )
    assert rows == [(metric, "m101_strict", "m101", True, True) for metric in ("click_rate", "engaged_learners")]


def test_a_new_channel_is_served(extended) -> None:
    warehouse, _ = extended
    variants = {
        variant
        for member in range(1, 30)
        for (variant,) in warehouse.published("select distinct variant from recommend(?, 'newsletter')", member)
    }
    assert variants == {"m101_more", "m101_base_rate"}


def test_a_new_label_set_is_learned_from_and_its_probabilities_are_calibrated(extended) -> None:
    ((rows, ratio),) = extended[0].query(
        """
        with logits as (
            select rows.example_id, any_value(rows.label) as label, sum(rows.value * coefficients.coefficient) as logit
            from training.training_rows as rows
            inner join variants.coefficients as coefficients
                on coefficients.variant = 'm101_whole'
                and rows.feature = coefficients.feature
                and rows.term = coefficients.term
            where rows.variant = 'm101_whole' and rows.split = 'train'
            group by rows.example_id
        )
        select count(*), sum(1 / (1 + exp(-logit))) / sum(label)
        from logits
        """
    )
    assert rows > 800
    assert abs(ratio - 1) < 0.05


@pytest.mark.parametrize(
    ("old", "new", "select", "message"),
    [
        (
            "learner: gradient_boosting", "learner: forest", "+m105_trees",
            "m105_trees: no learner 'forest'. Remedy: give one of blend, glmix, gradient_boosting, item_item, logistic",
        ),
        (
            "[job_skill_overlap]", "[job_overlap]", "+variant_features",
            "uses the feature 'job_overlap', which neither features nor feature_transformations has. Remedy:",
        ),
    ],
)  # fmt: skip
def test_a_wrong_line_of_the_registry_stops_the_build_by_name(
    tmp_path: Path, old: str, new: str, select: str, message: str
) -> None:
    project = tmp_path / "project"
    shutil.copytree(ROOT, project, ignore=shutil.ignore_patterns(".*", "target", "logs", "published*", "*.duckdb*"))
    edit(project / "dbt_project.yml", old, new)
    warehouse = Warehouse(tmp_path / "warehouse", root=project)
    done = warehouse.dbt("build", "--select", select, check=False, **TINY_WORLD)
    assert done.returncode
    assert message in " ".join(done.stdout.split())
