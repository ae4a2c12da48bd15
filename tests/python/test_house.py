"""The rules of the house, read from the manifest and the compiled SQL."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from conftest import ROOT, Warehouse
from relevance.publication import ROW_GROUP

LAYERS = (
    "world",
    "staging",
    "skills",
    "features",
    "labels",
    "training",
    "variants",
    "candidates",
    "scoring",
    "reasons",
    "serving",
    "experiments",
    "health",
)
PUBLIC = {
    "course_skills",
    "member_skills",
    "member_features",
    "course_features",
    "coefficients",
    "scores",
    "recommendations",
    "recommendation_store",
    "experiment_results",
    "ledger",
    "health",
}
# functions that read a clock or a random generator, or whose values are not promised across versions
BANNED = ("random", "uuid", "uuidv7", "gen_random_uuid", "now", "current_date", "current_timestamp", "current_time",
          "today", "get_current_time", "localtime", "localtimestamp", "transaction_timestamp", "hash",
          "setseed")  # fmt: skip
# spellings of one engine: they belong into macros/portable.sql, or into serving, which only DuckDB runs
DUCKDB_ONLY = re.compile(
    r"\b(asof|exclude|replace\s*\(\s*\*|by name|struct_pack|list_\w+|array_agg|string_split|unnest|generate_series)\b"
    r"|\[[^\]'\"]*,|\blambda\b"
)


@pytest.fixture(scope="module")
def manifest(ci_world: Warehouse) -> dict:
    return json.loads((ci_world.folder / "target" / "manifest.json").read_text())


def models(manifest: dict) -> Iterator[dict]:
    return (node for node in manifest["nodes"].values() if node["resource_type"] == "model")


def layer(node: dict) -> str:
    return node["fqn"][1]


def test_every_model_is_in_a_layer_and_every_layer_has_models(manifest: dict) -> None:
    assert {layer(node) for node in models(manifest)} == set(LAYERS)


def test_a_model_references_its_own_layer_or_an_earlier_one(manifest: dict) -> None:
    wrong = [
        f"{node['name']} ({layer(node)}) reads {other['name']} ({layer(other)})"
        for node in models(manifest)
        for name in node["depends_on"]["nodes"]
        if (other := manifest["nodes"].get(name)) is not None
        and other["resource_type"] == "model"
        and LAYERS.index(layer(other)) > LAYERS.index(layer(node))
    ]
    assert wrong == []


def test_only_staging_reads_raw_and_only_world_and_experiments_read_truth(manifest: dict) -> None:
    wrong = []
    for node in models(manifest):
        for name in node["depends_on"]["nodes"]:
            schema = (manifest["nodes"].get(name) or manifest["sources"].get(name))["schema"]
            if (schema == "raw" and layer(node) != "staging") or (
                schema == "truth" and layer(node) not in ("world", "experiments")
            ):
                wrong.append(f"{node['name']} reads {name}")
    assert wrong == []


def test_every_model_says_what_a_row_is_and_has_a_tested_key(manifest: dict) -> None:
    keyed = {
        test["attached_node"]
        for test in manifest["nodes"].values()
        if test["resource_type"] == "test"
        and test.get("test_metadata")
        and test["test_metadata"]["name"] == "unique_key"
    }
    for node in models(manifest):
        is_function = node["config"]["materialized"] == "table_function"
        opening = "Table function" if is_function else "One row per"
        assert node["description"].startswith(opening), node["name"]
        assert is_function or node["name"] == "quarantine" or node["unique_id"] in keyed, f"{node['name']} has no key"


def test_public_tables_are_under_contract(manifest: dict) -> None:
    public = {node["name"]: node for node in models(manifest) if node["access"] == "public"}
    assert set(public) == PUBLIC
    assert [node["name"] for node in public.values() if not node["config"]["contract"]["enforced"]] == []


def test_every_table_function_and_column_is_described_here_and_in_the_warehouse(
    manifest: dict, ci_world: Warehouse
) -> None:
    sql = """
        select schema_name, table_name, list((column_name, comment) order by column_index)
        from duckdb_columns()
        where not internal
        group by all
    """
    columns = {(schema, table): listed for schema, table, listed in ci_world.query(sql)}
    functions = dict(ci_world.query("select function_name, comment from duckdb_functions() where not internal"))
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")]
    assert len(nodes) > 250
    for node in nodes:
        if node["config"]["materialized"] == "table_function":
            assert functions[node["alias"]] == node["description"]
        else:
            described = [(name, column["description"]) for name, column in node["columns"].items()]
            assert columns[node["schema"], node["alias"]] == described, node["name"]
            assert all(text for _, text in described), node["name"]
    published = ci_world.published("select function_name, comment from duckdb_functions() where not internal")
    assert published
    assert all(functions[name] == comment for name, comment in published)


def test_each_channel_is_an_exposure_of_what_is_served(manifest: dict, ci_world: Warehouse) -> None:
    exposures = {node["name"]: node for node in manifest["exposures"].values()}
    assert set(exposures) == {channel for (channel,) in ci_world.query("select channel from seeds.channels")}
    for node in exposures.values():
        read = [manifest["nodes"][name] for name in node["depends_on"]["nodes"]]
        assert {layer(other) for other in read} == {"serving"}
        assert {"recommendation_store", "publication"} < {other["name"] for other in read}
        assert node["description"]


def test_names_are_snake_case(manifest: dict, ci_world: Warehouse) -> None:
    columns = ci_world.query("select distinct column_name from duckdb_columns() where not internal")
    names = [node["name"] for node in models(manifest)] + [name for (name,) in columns]
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z0-9_]*", name)] == []


def banned_in(sql: str) -> set[str]:
    """Banned functions that a statement calls, under the name it calls them by."""
    found = set()
    for statement in sqlglot.parse(sql, dialect="duckdb"):
        for node in statement.find_all(exp.Func):
            names = [node.name] if isinstance(node, exp.Anonymous) else node.sql_names()
            text = node.sql(dialect="duckdb").lower()
            found |= {name for name in BANNED if name in map(str.lower, names) or re.match(rf"{name}\b", text)}
    return found


@pytest.mark.parametrize("name", BANNED)
def test_a_banned_function_is_caught(name: str) -> None:
    brackets = "(1)" if name in ("hash", "setseed") else "()"
    assert banned_in(f"select {name}{brackets} as x from t")


def test_compiled_sql_parses_and_reads_no_clock_and_no_random_generator(ci_world: Warehouse) -> None:
    paths = [
        path
        for path in (ci_world.folder / "target" / "compiled").rglob("dbt_project/models/**/*.sql")
        if not path.name.startswith(("unique_key", "relationships"))
    ]
    assert len(paths) > 50
    assert {path.name: banned for path in paths if (banned := banned_in(path.read_text()))} == {}


def test_engine_specific_sql_stands_in_one_macro_file_or_in_serving() -> None:
    allowed = {
        "portable.sql",
        "serving.sql",
        "truth.sql",
        "raw.sql",
        "names.sql",
        "variants.sql",
        "table_by_day.sql",
        "table_when_changed.sql",
    }
    wrong, read = [], 0
    for path in sorted((ROOT / "dbt_project").rglob("*.sql")):
        if path.name in allowed or path.parent.name in ("serving", "world", "staging"):
            continue
        text = re.sub(r"--[^\n]*|\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|'[^']*'", " ", path.read_text(), flags=re.S)
        read += len(re.findall(r"\bselect\b", text))
        wrong += [f"{path.name}: {match.group()}" for match in DUCKDB_ONLY.finditer(text.lower())]
    assert read > 100
    assert wrong == []


def test_tables_of_the_warehouse_have_the_row_groups_of_published_ones(ci_world: Warehouse) -> None:
    ((rows,),) = ci_world.query("select max(count) from pragma_storage_info('labels.labels') where column_id = 0")
    assert rows == ROW_GROUP


def test_the_library_does_not_import_dbt() -> None:
    for path in (ROOT / "models_py" / "relevance").rglob("*.py"):
        assert not re.search(r"^\s*(import|from) dbt", path.read_text(), flags=re.M), path.name


def test_a_dbt_python_model_holds_no_arithmetic() -> None:
    for path in (ROOT / "models_py" / "models").rglob("*.py"):
        lines = [line for line in path.read_text().splitlines() if line.strip()]
        assert lines[0].startswith('"""'), path.name
        assert len(lines) <= 30, path.name
        assert not re.search(r"^import|numpy|pandas|\bselect\b", path.read_text(), flags=re.M), path.name


def test_registry_files_and_unions_agree(manifest: dict, ci_world: Warehouse) -> None:
    registered = dict(ci_world.query("select variant, learner from variants.variants"))
    files = {path.stem for folder in ("dbt_project", "models_py") for path in (ROOT / folder).rglob("variants/*.*")}
    assert set(registered) <= files
    assert {name for name in files if re.match("m[0-9]", name)} <= set(registered)
    learned = {name for name, learner in registered.items() if learner not in ("recency", "affinity")}
    assert {name for (name,) in ci_world.query("select distinct variant from variants.coefficients")} == learned
    treated = {name for (name,) in ci_world.query("select distinct variant from seeds.treatments")}
    assert treated <= set(registered)
    features = {name for (name,) in ci_world.query("select distinct feature from variants.variant_features")}
    assert features <= {name for (name,) in ci_world.query("select feature from features.feature_catalog")}
    listed = dict(ci_world.query("select reason, kind from seeds.reasons"))
    scored = {name for name, kind in listed.items() if kind == "scored"}
    files = {
        node["name"].removeprefix("reason_")
        for node in models(manifest)
        if node["name"].startswith("reason_") and layer(node) == "reasons"
    }
    assert files == {"scores"} | {name for name, kind in listed.items() if kind != "live"}
    union = manifest["nodes"]["model.course_recommender.reason_scores"]["depends_on"]["nodes"]
    assert {name.split(".reason_")[-1] for name in union} == scored
    found = {name for (name,) in ci_world.query("select distinct reason from reasons.reason_scores")}
    assert found <= scored
    assert scored - found <= {"trending_company"}  # the companies of the small world are too small for a trend


def test_every_feature_of_the_catalogue_is_there(ci_world: Warehouse) -> None:
    missing = ci_world.query(
        "select feature from features.feature_catalog "
        "where rows = 0 and expression is null and entity <> 'context' and feature <> 'course_age'"
    )
    assert missing == []


def test_no_file_names_a_machine_path_or_a_registry_host() -> None:
    pattern = re.compile(r"/(work|home|root|tmp)/|https?://(?!doi\.org)|pypi\.|index-url|find-links")
    tracked = [
        path
        for path in ROOT.rglob("*")
        if path.is_file()
        and path.suffix in {".py", ".sql", ".yml", ".md", ".toml", ".txt", ".csv", ""}
        and not {".git", ".venv", "target", "logs", ".pytest_cache", ".ruff_cache", ".hypothesis", "__pycache__"}
        & set(path.relative_to(ROOT).parts)
        and path != Path(__file__)
    ]
    assert [f"{path}: {m.group()}" for path in tracked for m in pattern.finditer(path.read_text(errors="ignore"))] == []
