"""Skill mappings: the library against references, and the rules that the tables must keep."""

import shutil
from pathlib import Path

import duckdb
import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.linear_model import Ridge

from conftest import Warehouse
from relevance.skill_models import calibrate, course_skill_quality, fit_skill_models, noise_sweep, precision_recall

CHINESE, ARABIC, HINDI, KOREAN, THAI = (
    "机器学习入门",
    "مقدمة في تعلم الآلة",
    "मशीन लर्निंग का परिचय",
    "기계학습을 배우다",
    "การเรียนรู้เชิงลึก",
)


@pytest.fixture(scope="module")
def words_and_labels() -> tuple[csr_matrix, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.random((60, 25)) * (rng.random((60, 25)) < 0.3)
    x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)
    return csr_matrix(x), (rng.random((60, 4)) < 0.3) * rng.choice([0.5, 1.0], (60, 4))


def test_all_skills_at_once_are_the_ridge_regressions_of_each(words_and_labels) -> None:
    x, y = words_and_labels
    fitted = fit_skill_models(x, y, l2=0.7)
    with_constant = np.hstack([x.toarray(), np.ones((60, 1))])
    reference = Ridge(alpha=0.7, fit_intercept=False).fit(with_constant, y)
    np.testing.assert_allclose(fitted.coefficients, reference.coef_.T, atol=1e-9)


def test_left_out_values_are_those_of_models_fitted_without_the_course(words_and_labels) -> None:
    x, y = words_and_labels
    fitted = fit_skill_models(x, y, l2=0.7)
    for row in (0, 17, 59):
        others = np.delete(np.arange(60), row)
        without = fit_skill_models(x[others], y[others], l2=0.7)
        value = np.append(x[row].toarray(), 1.0) @ without.coefficients
        np.testing.assert_allclose(fitted.left_out[row], value, atol=1e-9)


def test_bad_shapes_and_penalties_are_named(words_and_labels) -> None:
    x, y = words_and_labels
    with pytest.raises(ValueError, match="60 rows of words, 59 rows of labels"):
        fit_skill_models(x, y[:59])
    with pytest.raises(ValueError, match="l2 = 0"):
        fit_skill_models(x, y, l2=0)


def test_calibration_finds_the_probabilities_that_made_the_labels() -> None:
    rng = np.random.default_rng(0)
    share = np.array([0.05, 0.3])
    skill = rng.integers(0, 2, 200_000)
    value = rng.normal(size=len(skill))
    truth = expit(0.5 + 2.0 * value + 0.8 * np.log(share[skill]) + 0.3 * value * np.log(share[skill]))
    label = rng.random(len(skill)) < truth
    kept = label | (rng.random(len(skill)) < 0.25)
    weight = np.where(label, 1.0, 4.0)  # thinned negatives stand for all of them
    fitted = calibrate(value[kept], label[kept], weight[kept], skill[kept], share)
    estimate = fitted.intercept[skill] + fitted.slope[skill] * value
    assert np.abs(expit(estimate) - truth).mean() < 0.01


def test_precision_and_recall_of_a_mapping_are_those_of_its_pairs() -> None:
    connection = duckdb.connect()
    truth = connection.sql("from (values (1, 1), (1, 2), (2, 1), (9, 1)) as t (course_id, skill_id)")
    splits = connection.sql("from (values (1, 'test'), (2, 'test'), (9, 'train')) as t (course_id, split)")
    found = connection.sql(
        "from (values (1, 1, 'both'), (1, 3, 'model'), (1, 2, 'taxonomist'), (9, 1, 'model')) "
        "as t (course_id, skill_id, source)"
    )
    nothing = connection.sql("select 1 as course_id, 1 as skill_id where false")
    one, none = course_skill_quality(truth, splits, {"found": found, "none": nothing}).to_pylist()
    assert (one["precision"], one["recall"], one["predicted"], one["courses"]) == (0.5, round(1 / 3, 9), 2, 2)
    assert one["precision_low"] <= one["precision"] <= one["precision_high"]
    assert (none["precision"], none["recall"], none["predicted"]) == (None, 0.0, 0)
    assert np.isnan(precision_recall(0, 0, 0)).all()


def test_the_noise_sweep_learns_from_the_features_it_is_given() -> None:
    connection = duckdb.connect()
    connection.execute("create table truth as select course as course_id, 1 as skill_id from range(30) as t (course)")
    connection.execute(
        "create table splits as select course as course_id, "
        "case when course < 10 then 'train' when course < 20 then 'validation' else 'test' end as split "
        "from range(30) as t (course)"
    )
    connection.execute(
        "create table features as select share as replaced_share, course as course_id, skill as skill_id, "
        "case when skill = 1 and (share = 0 or course % 2 = 0) then 1 else 0 end as title_match "
        "from range(30) as t (course), range(1, 4) as s (skill), (values (0.0e0), (0.5e0)) as n (share)"
    )
    connection.execute(
        "create table pairs as select course_id, skill_id, case when skill_id = 1 then 1 else 0 end as label "
        "from splits, range(1, 3) as s (skill_id) where split = 'train'"
    )
    tables = (connection.table(name) for name in ("pairs", "features", "truth", "splits"))
    clean, noisy = noise_sweep(*tables).to_pylist()
    assert (clean["replaced_share"], clean["precision"], clean["recall"]) == (0.0, 1.0, 1.0)
    assert noisy["f1"] < clean["f1"]


# ------------------------------------------------------------------------------------------------ the tables


def test_the_coefficients_in_the_warehouse_score_the_courses_not_learned_from(ci_world: Warehouse) -> None:
    worst = ci_world.query(
        """
        with learned_from as (
            select course_id from skills.course_splits where split <> 'test'
            union
            select course_id from skills.cs04_labels where label = 1
        ),
        logits as (
            select terms.course_id, coefficients.skill_id, sum(terms.value * coefficients.coefficient) as logit
            from skills.cs04_terms as terms
            inner join skills.cs04_coefficients as coefficients using (term)
            anti join learned_from using (course_id)
            group by all
        )
        select count(*), max(abs(1 / (1 + exp(-(logit + intercepts.coefficient))) - scores.probability))
        from logits
        inner join skills.cs04_coefficients as intercepts
            on logits.skill_id = intercepts.skill_id and intercepts.term = 'intercept'
        inner join skills.cs04_scores as scores
            on logits.course_id = scores.course_id and logits.skill_id = scores.skill_id
        """
    )
    (pairs, difference), *_ = worst
    assert pairs > 20
    assert difference < 1e-4


def test_equation_1_holds_on_every_row(ci_world: Warehouse) -> None:
    ((rows, difference),) = ci_world.query(
        """
        with cohort as (
            select members.member_id, cohort.skill_id, cohort.weight
            from staging.stg_members as members
            inner join skills.title_industry_skills as cohort using (title, industry)
        )
        select count(*), max(abs(ms02.weight - (1.0 * coalesce(ms01.weight, 0) + 0.45 * coalesce(cohort.weight, 0))))
        from skills.ms02
        left join skills.ms01 using (member_id, skill_id)
        left join cohort using (member_id, skill_id)
        """
    )
    assert rows > 1000
    assert difference < 1e-9


def test_free_text_is_standardised_or_kept_as_unmapped(ci_world: Warehouse) -> None:
    ((typed, mapped, unmapped),) = ci_world.query(
        """
        select
            count(*),
            count(*) filter (exists (
                from skills.profile_entry_skills as meanings
                where meanings.member_id = entries.member_id and meanings.entry_number = entries.entry_number
                    and meanings.probability >= 0.1
            )),
            (select count(*) from skills.unmapped_profile_entries)
        from skills.profile_entries as entries
        where picked_skill_id is null
        """
    )
    assert mapped + unmapped == typed
    assert mapped > 0.7 * typed
    assert ci_world.query("select count(*) from skills.ms01 where weight not between 0 and 1") == [(0,)]
    assert ci_world.query("select count(*) from skills.ms01 where source = 'picked' and weight <> 1") == [(0,)]
    ((fillers,),) = ci_world.query(
        "select count(*) from skills.unmapped_profile_entries where spelling in ('team player', 'punctual', 'ask me')"
    )
    assert fillers > 0


def test_the_standardiser_knows_what_an_ambiguous_spelling_means_better_than_chance(ci_world: Warehouse) -> None:
    columns = "spelling_kind, entries, accuracy, accuracy_by_chance, mean_probability"
    kinds = {row[0]: row[1:] for row in ci_world.query(f"select {columns} from skills.profile_skill_quality")}
    entries, accuracy, chance, probability = kinds["ambiguous"]
    assert entries >= 10
    assert accuracy > chance + 0.1
    assert abs(probability - accuracy) < 0.2
    assert kinds["misspelled"][1] > 0.9


def test_cold_start_variants_read_the_mappings_of_table_3(ci_world: Warehouse) -> None:
    registry = ci_world.query(
        "select variant, course_skills, member_skills from variants.variants where learner in ('recency', 'affinity')"
    )
    assert sorted(registry) == [
        ("m001", None, None),
        ("m002", "cs01", "ms01"),
        ("m003", "cs01", "ms02"),
        ("m004", "cs03", "ms02"),
        ("m005", "cs04", "ms02"),
    ]
    for variant, course_skills, member_skills in sorted(registry)[1:]:
        wrong = ci_world.query(
            f"""
            with affinity as (
                select member_id, course_id, sum(m.weight * c.weight) as score
                from skills.member_skills as m
                inner join skills.course_skills as c using (skill_id)
                inner join skills.available_courses using (course_id)
                where m.mapping = '{member_skills}' and c.mapping = '{course_skills}'
                group by all
            )
            select count(*)
            from affinity
            full join variants.{variant} as variant using (member_id, course_id)
            where abs(coalesce(affinity.score, -1) - coalesce(variant.score, -2)) > 1e-9
            """
        )
        assert wrong == [(0,)], variant


# ------------------------------------------------------------------------------------------------ other raw tables

SKILLS_LAYER = ("run", "--select", "+course_skill_quality", "cs04_coefficients", "tagged_languages", "course_skills")


def changed_raw(tiny_raw: Path, folder: Path, **tables: str) -> Path:
    """A copy of the raw tables, those named made anew by a query that reads the old files in {raw}."""
    raw = folder / "raw"
    shutil.copytree(tiny_raw, raw)
    for table, sql in tables.items():
        duckdb.sql(sql.format(raw=tiny_raw)).write_parquet(str(raw / f"{table}.parquet"))
    return raw


def test_what_the_taxonomists_say_of_held_out_courses_reaches_nothing_that_is_learned(
    tiny_raw: Path, tmp_path: Path
) -> None:
    before = Warehouse(tmp_path / "before")
    before.dbt(*SKILLS_LAYER, raw_location=tiny_raw)
    held_out = before.query("select course_id from skills.course_splits where split = 'test'")
    assert len(held_out) > 10
    ids = ", ".join(str(course) for (course,) in held_out)
    raw = changed_raw(
        tiny_raw,
        tmp_path / "after",
        course_skill_curation=f"""
            select course_id, skill_id, verdict from '{{raw}}/course_skill_curation.parquet'
            where course_id not in ({ids})
            union
            select course_id, skill_id, 'add' as verdict
            from (select unnest([{ids}]) as course_id), (select skill_id from '{{raw}}/skills.parquet' limit 40)
        """,
    )
    after = Warehouse(tmp_path / "after")
    after.dbt(*SKILLS_LAYER, raw_location=raw)
    truth = "select course_id, skill_id from skills.cs01 order by all"
    assert before.query(truth) != after.query(truth)
    for table in (
        "alias_meanings", "course_splits", "cs02", "cs03_pairs", "cs03_features", "cs03_coefficients", "cs03_scores",
        "cs04_terms", "transcript_neighbours", "cs04_labels", "cs04_coefficients", "cs04_scores",
        "course_skill_thresholds",
    ):  # fmt: skip
        rows = f"from skills.{table} order by all"
        assert before.query(rows) == after.query(rows), table


def test_text_in_any_script_is_read_and_an_unknown_language_is_counted(tiny_raw: Path, tmp_path: Path) -> None:
    skills = "(900001, 'x机器学习'), (900002, 'تعلم الآلة'), (900003, 'लर्निंग'), (900004, '기계학습'), (900005, 'เชิงลึก')"
    raw = changed_raw(
        tiny_raw,
        tmp_path,
        skills=f"""
            select skill_id, name from '{{raw}}/skills.parquet'
            union all
            select skill_id, ltrim(name, 'x') from (values {skills}) as t (skill_id, name)
        """,
        courses=f"""
            select course_id, title, description, duration_seconds, released_date, language
            from '{{raw}}/courses.parquet'
            union all
            select t.course_id, t.title, null, 600.0, date '2023-01-01', t.language
            from (values
                (90001, '{CHINESE}', 'zh'), (90002, '{ARABIC}', 'ar'), (90003, '{HINDI}', 'hi'),
                (90004, '{KOREAN}', 'ko'),
                (90005, '{THAI}', null), (90006, 'ቋንቋ ትምህርት', 'am'), (90007, '🙂🙂', 'zxx')
            ) as t (course_id, title, language)
        """,
    )
    warehouse = Warehouse(tmp_path)
    warehouse.dbt(*SKILLS_LAYER, raw_location=raw)
    found = warehouse.query("select course_id, skill_id from skills.cs02 where course_id > 90000 and skill_id > 900000")
    assert sorted(found) == [(90001, 900001), (90002, 900002), (90003, 900003), (90004, 900004), (90005, 900005)]
    languages = {row[0]: row[1:] for row in warehouse.query(
        "select language, courses, courses_with_words, courses_tagged from skills.tagged_languages"
    )}  # fmt: skip
    assert languages["am"] == (1, 1, 0)  # words, but no name among them
    assert languages["zxx"] == (1, 0, 0)
    assert languages["unknown"] == (1, 1, 1)
    assert languages["en"][0] == languages["en"][1] == 100


def test_without_tags_text_or_profiles_the_mappings_are_empty(tiny_raw: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    for table in ("members", "courses"):
        shutil.copy(tiny_raw / f"{table}.parquet", raw)
    warehouse = Warehouse(tmp_path)
    warehouse.dbt(*SKILLS_LAYER, raw_location=raw)
    assert warehouse.query("select count(*) from skills.course_skills") == [(0,)]
    assert warehouse.query("select sum(predicted), max(courses) from skills.course_skill_quality") == [(0, 0)]
