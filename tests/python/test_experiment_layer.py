"""The experiments of the simulated world, and of a log that somebody brings."""

from pathlib import Path

import duckdb
import pytest

from conftest import ROOT, WITHOUT_TESTS, Warehouse

TABLES_OF_THE_PAPER = ("table_4", "table_6", "table_7", *(f"insight_{number}" for number in range(1, 12)), "aa_tests")


def columns(warehouse: Warehouse, sql: str) -> dict:
    return {row[0]: row[1:] for row in warehouse.query(sql)}


def test_every_comparison_of_the_seeds_has_a_result(ci_world: Warehouse) -> None:
    wanted = ci_world.query(
        """
        select arms.experiment, metric, variant
        from seeds.experiment_arms as arms
        inner join seeds.experiments using (experiment)
        cross join (values ('click_rate'), ('engaged_learners'), ('open_rate')) as metrics(metric)
        where not is_baseline and (metric <> 'open_rate' or channel = 'email') order by all
        """
    )
    assert ci_world.query("select experiment, metric, variant from experiments.experiment_results order by all") == (
        wanted
    )


def test_the_large_lifts_are_there_even_in_a_small_world(ci_world: Warehouse) -> None:
    lifts = columns(
        ci_world,
        "select experiment || ' ' || variant, true_lift, verdict from experiments.experiment_results "
        "where metric = 'click_rate'",
    )
    assert lifts["m002_over_m001 m002"][0] > 0.1
    assert lifts["glmix_over_m105 glmix"][0] > 0.2
    assert lifts["glmix_over_m105 glmix"][1] == "better"
    assert abs(lifts["m102_over_m101 m102"][0]) < 0.05
    assert all(lift is None for name, (lift, _) in lifts.items() if "_log " in name)


def test_estimates_lie_around_the_truth(ci_world: Warehouse) -> None:
    """Within 2.6 standard errors: one in a hundred comparisons may be further away; these share luck."""
    (outside, comparisons) = ci_world.query(
        """
        select count(*) filter (abs(lift - true_lift) > 2.6 * standard_error * (1 + true_lift)), count(*)
        from experiments.experiment_results where metric = 'click_rate' and true_lift is not null
        """
    )[0]
    assert comparisons > 30
    assert outside <= 3


def test_emails_are_opened_as_often_as_the_truth_says(ci_world: Warehouse) -> None:
    for variant, sends, opens, expected in ci_world.query(
        """
        select variant, sum(sends), sum(opens), sum(expected_opens) from experiments.experiment_responses
        where origin = 'simulation' and channel = 'email' group by variant
        """
    ):
        assert sends > 1000, variant
        assert abs(opens - expected) < 4 * expected**0.5, variant


def test_variants_that_show_the_same_have_the_same_luck(ci_world: Warehouse) -> None:
    """Common random numbers: more than half of what one of two like variants is lucky by, the other is too."""
    ((correlation,),) = ci_world.query(
        """
        select corr(one.clicks - one.expected_clicks, other.clicks - other.expected_clicks)
        from experiments.experiment_responses as one
        inner join experiments.experiment_responses as other using (origin, channel, member_id, date)
        where one.variant = 'm101' and other.variant = 'm102' and origin = 'simulation'
        """
    )
    assert correlation > 0.5


def test_repeated_tests_keep_their_promise_and_those_by_impression_do_not(ci_world: Warehouse) -> None:
    shares = columns(
        ci_world,
        "select test || ', ' || method || ', ' || measure, share, is_as_wanted from experiments.repeated_results",
    )
    assert shares["A/A, by member, rejected"][1]
    assert shares["A/A, CUPED, rejected"][1]
    assert shares["history over m005, by member, covered"][1]
    assert shares["A/A, by impression, rejected"][0] > 0.12


def test_policies_are_valued_or_refused(ci_world: Warehouse) -> None:
    values = ci_world.query(
        "select variant, snips, dr, effective_sample_size, refusal from experiments.off_policy_values"
    )
    assert len(values) > 20
    for variant, snips, dr, size, refusal in values:
        assert (size < 500) == (refusal is not None) == (snips is None) == (dr is None), variant
        if refusal:
            assert refusal == f"effective sample size {size:.0f} is below 500"


def test_the_ledger_has_every_variant_with_what_it_costs(ci_world: Warehouse) -> None:
    assert ci_world.query("select variant from variants.variants order by all") == (
        ci_world.query("select variant from experiments.ledger order by all")
    )
    learned = ci_world.query(
        "select variant, training_seconds, coefficients, rows_trained, roc_auc from experiments.ledger "
        "where variant not in ('m001', 'm002', 'm003', 'm004', 'm005')"
    )
    assert [name for name, *numbers in learned if not all(number and number > 0 for number in numbers)] == []


def test_every_analysis_has_rows_and_the_papers_tables_fit_what_dbt_shows(ci_world: Warehouse) -> None:
    """`dbt show` prints six columns of at most 20 characters."""
    ci_world.dbt("compile", "--select", "path:analyses", world_preset="ci")
    folder = ci_world.folder / "target" / "compiled" / "course_recommender" / "analyses"
    names = {path.stem for path in (ROOT / "analyses").glob("*.sql")}
    assert {path.stem for path in folder.glob("*.sql")} == names
    with duckdb.connect(str(ci_world.file), read_only=True) as connection:
        for name in sorted(names):
            result = connection.execute((folder / f"{name}.sql").read_text())
            header, rows = [column[0] for column in result.description], result.fetchall()
            assert rows, name
            if name in TABLES_OF_THE_PAPER:
                assert len(header) <= 6, name
                long = {cell for row in rows for cell in row if isinstance(cell, str) and len(cell) > 20}
                assert long <= {"m105_random_negatives"}, name


@pytest.fixture(scope="module")
def own_log(tiny_raw: Path, tmp_path_factory) -> Warehouse:
    """Somebody's own tables whose log goes on after the day of the lists."""
    warehouse = Warehouse(tmp_path_factory.mktemp("own_log"))
    select = ("--select", "+experiment_results", "+off_policy_values", "+ledger")
    warehouse.dbt("build", *WITHOUT_TESTS, *select, raw_location=tiny_raw, as_of_date="2024-01-15")
    return warehouse


def test_experiments_of_an_own_log_are_read_from_it(own_log: Warehouse) -> None:
    results = own_log.query(
        "select variant, members, lift, verdict, true_lift from experiments.experiment_results "
        "where metric = 'click_rate' order by variant"
    )
    assert [row[0] for row in results] == ["m002", "m003", "m004", "m005"]
    assert all(members > 10 and lift is not None and truth is None for _, members, lift, _, truth in results)


def test_policies_are_valued_from_what_an_own_log_shows_after_the_lists(own_log: Warehouse) -> None:
    assert own_log.query("select min(origin), max(origin) from experiments.off_policy_log") == [("log", "log")]
    valued = own_log.query(
        "select variant, effective_sample_size, refusal is null from experiments.off_policy_values "
        "where channel = 'feed'"
    )
    assert valued
    assert all((size >= 500) == is_valued for _, size, is_valued in valued)
