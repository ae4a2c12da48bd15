"""What README says one does to add to the project works on a copy of it, in the files that it names and no others."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import ROOT, TINY_WORLD, Warehouse

FITS = """

from relevance.learning import fit_variant


def model(dbt, session):
    return fit_variant(dbt.this.identifier, dbt.ref("variants"), dbt.ref("training_rows"))
"""


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, f"{file}: no '{old}'"
    file.write_text(text.replace(old, new, 1))


def add_feature(project: Path) -> None:
    edit(
        project / "dbt_project" / "models" / "features" / "member_profile_features.sql",
        "    union all\n",
        """    union all
    select member_id, 'member_company' as feature, company as term
    from {{ ref('stg_members') }}
    union all
""",
    )
    edit(
        project / "seeds" / "features.csv",
        "member_title,",
        "member_company,member,category,Employer of the profile\nmember_title,",
    )


def add_transformation(project: Path) -> None:
    edit(
        project / "seeds" / "feature_transformations.csv",
        "skill_overlap,",
        'engagement_level,"bucket(member_engagements, 0.5, 1.5)",Few or many engagements\nskill_overlap,',
    )


def add_label_set(project: Path) -> None:
    edit(
        project / "seeds" / "label_sets.csv",
        "home_clicks,",
        "feed_clicks_whole,feed,,click,,,18,0,500,1,4,0,uniform,with,false,All negatives\nhome_clicks,",
    )


def add_learner(project: Path) -> None:
    (
        project / "models_py" / "relevance" / "learners" / "base_rate.py"
    ).write_text('''"""Everybody gets the click rate."""

import numpy as np

from relevance.learning import coefficient_rows

IS_PROBABILITY = True


def fit(task):
    rate = np.average(task.train.y, weights=task.train.weight)
    return coefficient_rows(task.variant, "global", ["intercept"], [""], np.array([np.log(rate / (1 - rate))]))


def logits(rows, design, parts):
    return np.full(len(design.y), rows.column("coefficient")[0].as_py())


class Constant:
    def __init__(self, value):
        self.value = value

    def logits(self, shard):
        return np.full(len(shard.courses), self.value)


def catalogue(rows, space, parts):
    return Constant(rows.column("coefficient")[0].as_py())
''')


def add_variants(project: Path) -> None:
    lines = """    m101_strict: {extends: m101, l2: 1000.0, description: m101 with a strong penalty}
    m101_more: {extends: m101, features: [member_company, engagement_level], description: m101 and two features}
    m101_whole: {extends: m101, l2: 10.0, label_set: feed_clicks_whole, description: m101 on all negatives}
    m101_thinned: {extends: m101, l2: 10.0, description: m101 on half of the negatives}
    m101_base_rate: {extends: m101, learner: base_rate, description: everybody gets the click rate}
"""
    edit(project / "dbt_project.yml", "    m101:\n", lines + "    m101:\n")
    for name in ("m101_strict", "m101_more", "m101_whole", "m101_thinned", "m101_base_rate"):
        file = project / "models_py" / "models" / "variants" / f"{name}.py"
        file.write_text(f'"""{name}: m101 and a change."""' + FITS)


def add_share(project: Path) -> None:
    edit(
        project / "seeds" / "treatments.csv",
        "profile,m105_pooled,1.0",
        "profile,m105_pooled,0.5\nprofile,m101_strict,0.5",
    )


def add_channel(project: Path) -> None:
    edit(project / "seeds" / "channels.csv", "profile,", "newsletter,Monthly newsletter\nprofile,")
    edit(
        project / "seeds" / "treatments.csv",
        "profile,",
        "newsletter,m101_more,0.5\nnewsletter,m101_base_rate,0.5\nprofile,",
    )


STEPS: dict[str, tuple[Callable[[Path], None], int]] = {
    "a feature": (add_feature, 2),
    "a transformation": (add_transformation, 1),
    "a label set": (add_label_set, 1),
    "a learner": (add_learner, 1),
    "five variants": (add_variants, 6),
    "a share": (add_share, 1),
    "a channel": (add_channel, 2),
}


def contents(project: Path) -> dict[Path, str]:
    return {
        path.relative_to(project): hashlib.md5(path.read_bytes()).hexdigest()
        for path in project.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def extended(tmp_path_factory) -> tuple[Warehouse, dict[str, int]]:
    """A build of a copy of the project with all additions, and how many files each touched."""
    folder = tmp_path_factory.mktemp("extended")
    project = folder / "project"
    shutil.copytree(
        ROOT, project, ignore=shutil.ignore_patterns(".*", "target", "logs", "published*", "*.duckdb*", "__pycache__")
    )
    touched = {}
    for name, (step, _) in STEPS.items():
        before = contents(project)
        step(project)
        after = contents(project)
        touched[name] = sum(before.get(path) != digest for path, digest in after.items())
    warehouse = Warehouse(folder / "warehouse", root=project)
    warehouse.dbt("build", **TINY_WORLD)
    return warehouse, touched


def test_each_addition_touches_the_files_that_readme_names(extended) -> None:
    assert extended[1] == {name: files for name, (_, files) in STEPS.items()}


def test_a_new_variant_is_learned_measured_and_served(extended) -> None:
    warehouse, _ = extended
    assert ("m101_strict",) in warehouse.query("select distinct variant from variants.offline_metrics")
    norms = dict(
        warehouse.query(
            "select variant, sum(coefficient * coefficient) from variants.coefficients "
            "where feature <> 'intercept' group by all"
        )
    )
    assert norms["m101_strict"] < norms["m101_thinned"]
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


def test_a_new_learner_is_measured_and_served(extended) -> None:
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
    shutil.copytree(
        ROOT, project, ignore=shutil.ignore_patterns(".*", "target", "logs", "published*", "*.duckdb*", "__pycache__")
    )
    edit(project / "dbt_project.yml", old, new)
    warehouse = Warehouse(tmp_path / "warehouse", root=project)
    done = warehouse.dbt("build", "--select", select, check=False, **TINY_WORLD)
    assert done.returncode
    assert message in " ".join(done.stdout.split())
