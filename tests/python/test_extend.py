"""What README says one does to add a variant works on a copy of the project."""

import shutil
from pathlib import Path

from conftest import ROOT, TINY_WORLD, Warehouse


def test_a_new_variant_is_one_line_one_file_and_a_share(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(
        ROOT, project, ignore=shutil.ignore_patterns(".*", "target", "logs", "published*", "*.duckdb*", "__pycache__")
    )
    registry = project / "dbt_project.yml"
    text = registry.read_text()
    line = "    m101_strict: {extends: m101, l2: 1000.0, description: m101 with a strong penalty}\n"
    registry.write_text(text.replace("    m101:\n", line + "    m101:\n"))
    models = project / "models_py" / "models" / "variants"
    shutil.copy(models / "m101.py", models / "m101_strict.py")
    treatments = project / "seeds" / "treatments.csv"
    halves = "profile,m101,0.5\nprofile,m101_strict,0.5"
    treatments.write_text(treatments.read_text().replace("profile,m101,1.0", halves))

    warehouse = Warehouse(tmp_path / "warehouse", root=project)
    warehouse.dbt("build", **TINY_WORLD)

    measured = warehouse.query("select distinct variant from variants.offline_metrics")
    assert ("m101_strict",) in measured
    norms = dict(
        warehouse.query(
            "select variant, sum(coefficient * coefficient) from variants.coefficients "
            "where feature <> 'intercept' group by all"
        )
    )
    assert norms["m101_strict"] < norms["m101"]
    shares = dict(
        warehouse.query(
            "select variant, count(distinct member_id) from serving.recommendations "
            "where channel = 'profile' group by all"
        )
    )
    assert set(shares) == {"m101", "m101_strict"}
    assert min(shares.values()) > 60  # half of 200 members each, by hash
    ((member,),) = warehouse.query(
        "select min(member_id) from serving.assignments where channel = 'profile' and variant = 'm101_strict'"
    )
    assert {row[0] for row in warehouse.published("select variant from recommend(?, 'profile')", member)} == {
        "m101_strict"
    }
