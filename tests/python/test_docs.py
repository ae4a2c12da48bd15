"""Every command, query and name of README and docs is run, or looked up, on the `ci` world.

What builds everything is not built again: `make -n` and the selection of dbt say whether such a command is valid. A
block or command of no known kind fails. `python tests/python/test_docs.py` writes docs/queries.md.
"""

import ast
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest
import sqlglot
import yaml
from dbt.cli.main import cli
from scipy.sparse import csr_matrix
from sqlglot import exp

from conftest import ROOT, Warehouse
from doc_pages import PAGES, Block, blocks, prose
from relevance.raw import find_raw_tables

QUERIES = sorted((ROOT / "analyses" / "queries").glob("*.sql"))
ANALYSES = {path.stem for path in (ROOT / "analyses").rglob("*.sql")}
TARGETS = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.M))
ENVIRONMENT = {f"COURSE_RECOMMENDER_{name}" for name in ("WAREHOUSE", "PUBLISHED", "MEMORY")}
LOOKED_AT = {"run", "test", "report", "mars", "catalogue", "benchmarks", "forget", "day", "spark"}  # targets of make
BLOCKS = [block for page in PAGES for block in blocks(page)]
BY_TEST_EXTEND = {"yaml", "csv", "diff"}
QUERIES_HEAD = """# Queries

Twenty questions of an analyst, in SQL for the warehouse: paste them into any DuckDB client that has opened
`warehouse.duckdb` read-only. With dbt each is an analysis of its name:

```
.venv/bin/dbt show -s top_courses_by_channel --limit 20
```

All of them work on your own tables; where a table was not given, an answer may be empty. The files are in
`analyses/queries`, from which this page is written.
"""
# one process of dbt: what each selection finds, and the documentation
DBT = """
import json, sys
from dbt.cli.main import dbtRunner
selections, operations = json.loads(sys.argv[1]), json.loads(sys.argv[2])
ci = ["--vars", "{world_preset: ci}"]
manifest = dbtRunner().invoke(["--quiet", "parse", *ci]).result
runner = dbtRunner(manifest=manifest)
found = {}
for selection in selections:
    done = runner.invoke(["--quiet", "ls", "--output", "name", *ci, *selection])
    found[json.dumps(selection)] = done.result or str(done.exception)
operated = [runner.invoke(operation).success for operation in operations]
done = runner.invoke(["--quiet", "docs", "generate", *ci])
print("ANSWER " + json.dumps({"found": found, "operated": operated, "docs": done.success}))
"""


def queries_page() -> str:
    return QUERIES_HEAD + "".join(f"\n## {path.stem}\n\n```sql\n{path.read_text()}```\n" for path in QUERIES)


# commands


def commands(block: Block) -> list[list[str]]:
    """The words of each command of a block of shell lines, or of a crontab."""
    lines = block.text.replace("\\\n", " ").splitlines()
    if block.kind == "cron":
        lines = [part for line in lines for part in line.split(maxsplit=5)[5].split(">>")[0].split("&&")]
    return [words[words[0] == "nice" :] for line in lines if (words := shlex.split(line, comments=True))]


COMMANDS = [(block, words) for block in BLOCKS if block.kind in ("", "cron") for words in commands(block)]


def kind_of(words: list[str]) -> str:
    """What a command is checked by."""
    words = [word for word in words if "=" not in word or words.index(word) > 0]
    match words:
        case ["git", "clone", *_] | ["cd", _] | ["cp", _, _]:
            return "given"  # cp: done by test_extend
        case ["export", *_]:
            return "export"
        case ["make", "ask" | "versions" | "rollback", *_]:
            return "made"
        case ["make", target, *_] if target in LOOKED_AT:
            return "make -n"
        case ["duckdb", "-readonly", _, "-c", _]:
            return "client"
        case [".venv/bin/dbt", "show", "-s", _] | [".venv/bin/dbt", "show", "-s", _, "--limit", _]:
            return "show"
        case [".venv/bin/dbt", "build" | "run" | "test", *_]:
            return "selection"
        case [".venv/bin/dbt", "run-operation", *_]:
            return "operation"
        case [".venv/bin/dbt", "docs", "generate" | "serve"] | [".venv/bin/dbt", "retry"]:
            return "parsed"
        case [".venv/bin/python", script, *_] if script.startswith("examples/"):
            return "script"
    return "not checked"


def of_kind(kind: str) -> list:
    return [
        pytest.param(words, id=f"{block}-{number}")
        for number, (block, words) in enumerate(COMMANDS)
        if kind_of(words) == kind
    ]


@pytest.fixture(scope="module")
def world(ci_world: Warehouse, tmp_path_factory) -> Warehouse:
    """The built warehouse, and a copy of the published folder with two more versions."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "warehouse.duckdb").symlink_to(ci_world.file)
    shutil.copytree(ci_world.published_file.parent, folder / "published")
    for version in (2, 3):
        file = folder / "published" / "versions" / f"{version:06d}.duckdb"
        shutil.copyfile(ci_world.published_file, file)
        with duckdb.connect(str(file)) as connection:
            connection.execute("update serving.publication set version = ?", [version])
    return Warehouse(folder)


def here(world: Warehouse, text: str) -> str:
    """A command with the files of the world in place of those it names."""
    text = re.sub(r"published(_mars)?/recommendations\.duckdb", str(world.published_file), text)
    return re.sub(r"\b(warehouse|mars)\.duckdb", str(world.file), text)


def run(world: Warehouse, words: list[str]) -> str:
    """Runs a command in the project with the binaries and files at hand; what it printed."""
    bin = Path(sys.executable).parent
    if words[0] == "make":  # the environment is the one that runs this test
        words = ["make", "-o", ".venv/installed", f"BIN={bin}", *words[1:]]
    words = [here(world, word).replace(".venv/bin/", f"{bin}/") for word in words]
    done = subprocess.run(words, cwd=ROOT, env=world._environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.mark.parametrize("words", of_kind("made"))
def test_cheap_commands_are_run(world: Warehouse, words: list[str]) -> None:
    said = run(world, words)
    if "ask" not in words:
        assert "version 3 now" in said or "complete" in said
    elif not re.search("580934|quarantine|strict_over_m101", words[-1]):  # nothing there in this world
        assert not re.search(r"^\W*0 rows", said, flags=re.M), said


@pytest.mark.parametrize("words", of_kind("make -n"))
def test_targets_that_build_everything_are_there(world: Warehouse, words: list[str]) -> None:
    assert words[1] in TARGETS
    known = set(re.findall(r"\$\(?(?:value )?(\w+)\)", (ROOT / "Makefile").read_text()))
    assert {word.split("=")[0] for word in words[2:]} <= known
    assert run(world, ["make", "-n", *words[1:]])


@pytest.mark.parametrize("words", of_kind("client"))
def test_any_client_runs_what_it_is_given(world: Warehouse, words: list[str]) -> None:
    with duckdb.connect(here(world, words[2]), read_only=True) as connection:
        assert connection.execute(words[4]).fetchall()


@pytest.mark.parametrize("words", of_kind("export"))
def test_exported_variables_are_those_of_the_project(words: list[str]) -> None:
    assert {word.split("=")[0] for word in words[1:]} <= ENVIRONMENT


@pytest.mark.parametrize("words", of_kind("script"))
def test_scripts_are_there(words: list[str]) -> None:
    compile((ROOT / words[1]).read_text(), words[1], "exec")


@pytest.mark.parametrize("words", [param.values[0] for kind in ("show", "selection", "operation", "parsed")
                                   for param in of_kind(kind)])  # fmt: skip
def test_dbt_knows_the_options(words: list[str]) -> None:
    settings = [word for word in words if re.match(r"[A-Z_]+=", word)]
    assert {word.split("=")[0] for word in settings} <= ENVIRONMENT
    name, *arguments = words[len(settings) + 1 :]
    command = cli.commands[name]
    if name == "docs":
        command = command.commands[arguments.pop(0)]
    context = command.make_context(name, arguments, parent=cli.make_context("dbt", [name]))
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
    assert set(context.params.get("vars") or {}) <= set(project["vars"])


# dbt


@pytest.fixture(scope="module")
def dbt(world: Warehouse) -> dict:
    """What dbt finds for the selections of the pages and says of their operations; what it writes, in `target`."""
    target = world.folder / "target"
    selections = [
        words[words.index("-s") : words.index("-s") + 2]
        for _, words in COMMANDS
        if kind_of(words) == "selection" and "-s" in words
    ]
    operations = [words[1:] for _, words in COMMANDS if kind_of(words) == "operation"]
    command = [sys.executable, "-c", DBT, json.dumps(selections), json.dumps(operations)]
    world.take_over({"world_preset": "ci"})
    done = subprocess.run(command, cwd=world.folder, env=world._environment_here, capture_output=True, text=True)
    (answer,) = [line for line in done.stdout.splitlines() if line.startswith("ANSWER ")] or [done.stdout + done.stderr]
    return json.loads(answer.removeprefix("ANSWER ")) | {"target": target, "said": done.stdout}


def test_selections_find_something(dbt: dict) -> None:
    assert len(dbt["found"]) >= 5
    for selection, found in dbt["found"].items():
        assert isinstance(found, list), f"{selection}: {found}"
        assert found, selection


def test_operations_do_what_they_say(dbt: dict) -> None:
    assert dbt["operated"] == [True, True]
    assert "version 3 now" in dbt["said"] or "version 3 already" in dbt["said"]
    assert dbt["said"].count("complete") == 3


def test_analyses_that_pages_name_have_rows(dbt: dict, ci_world: Warehouse) -> None:
    named = {words[words.index("-s") + 1] for _, words in COMMANDS if kind_of(words) == "show"}
    for page in PAGES:
        named |= set(re.findall(r"dbt show -s (\w+)", prose(page)))
    assert named <= ANALYSES
    with duckdb.connect(str(ci_world.file), read_only=True) as connection:
        for name in sorted(named | {path.stem for path in QUERIES}):
            (file,) = (dbt["target"] / "compiled").rglob(f"analyses/**/{name}.sql")
            assert connection.execute(file.read_text()).fetchall(), name


def test_the_documentation_of_dbt_has_every_table(dbt: dict) -> None:
    assert dbt["docs"]
    catalog = json.loads((dbt["target"] / "catalog.json").read_text())
    manifest = json.loads((dbt["target"] / "manifest.json").read_text())
    tables = {
        name
        for name, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed") and node["config"]["materialized"] != "table_function"
    }
    assert tables <= set(catalog["nodes"])
    for name in tables:
        described = manifest["nodes"][name]["columns"]
        assert all(described[column.lower()]["description"] for column in catalog["nodes"][name]["columns"]), name


# queries


def test_the_page_of_queries_is_that_of_the_files() -> None:
    assert len(QUERIES) == 20
    assert (ROOT / "docs" / "queries.md").read_text() == queries_page(), "write it: python tests/python/test_docs.py"


@pytest.fixture(scope="module")
def own_tables(tmp_path_factory) -> set[str]:
    """The tables there are with somebody's own data."""
    warehouse = Warehouse(tmp_path_factory.mktemp("own"))
    keys = ("--output", "json", "--output-keys", "schema", "alias")
    done = warehouse.dbt("--quiet", "ls", "--resource-type", "model", "seed", *keys, raw_location="somewhere")
    nodes = [json.loads(line) for line in done.stdout.splitlines()]
    return {f"{node['schema']}.{node['alias']}" for node in nodes}


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_a_query_is_plain_sql_and_reads_tables_that_own_data_has_too(path: Path, own_tables: set[str]) -> None:
    text = path.read_text()
    assert text.startswith("-- ")
    assert "{{" not in text
    assert ";" not in text.split("\nselect", 1)[1]
    (statement,) = sqlglot.parse(text, dialect="duckdb")
    names = {cte.alias for cte in statement.find_all(exp.CTE)}
    for table in statement.find_all(exp.Table):
        if table.name not in names or table.db:
            assert f"{table.db}.{table.this.name.lower()}" in own_tables, table.sql()


# SQL and Python of the pages


def blocks_of(kind: str, but_of: tuple[str, ...]) -> list[Block]:
    return [block for block in BLOCKS if block.kind == kind and block.page not in but_of]


@pytest.fixture
def folder(ci_world: Warehouse, tmp_path: Path, monkeypatch) -> Path:
    """A folder with the databases that examples of the pages read."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw").mkdir()
    with duckdb.connect("log.duckdb") as log:
        log.execute("create table impressions_without_click as select 42 as member_id, 7 as course_id")
    with duckdb.connect("app.duckdb") as app:
        app.execute(f"attach '{ci_world.file}' as world (read_only)")
        app.execute(
            "create table users as select member_id as id, title as job, industry as branch from world.raw.members"
        )
        app.execute(
            "create table videos as select course_id as id, title as name, description as about, "
            "duration_seconds as seconds, released_date as online_since from world.raw.courses"
        )
        app.execute(
            "create table plays as select member_id as user_id, course_id as video_id, engaged_at as played_at "
            "from world.raw.engagements"
        )
    return tmp_path


@pytest.mark.parametrize(
    "block",
    [block for block in BLOCKS if block.kind == "sql" and block.page not in ("extend.md", "queries.md")],
    ids=str,
)
def test_sql_of_the_pages_runs(block: Block, world: Warehouse, folder: Path) -> None:
    file = re.match(r"-- duckdb -readonly (\S+)\n", block.text)
    with duckdb.connect(here(world, file[1]) if file else str(world.file), read_only=True) as connection:
        for statement in connection.extract_statements(block.text):
            connection.execute(statement)
    if "raw/" in block.text:  # what an example writes keeps the contract
        with duckdb.connect(str(world.file), read_only=True) as connection:
            contract = connection.sql("from staging.raw_contract")
            found = {row["table_name"] for row in find_raw_tables("raw", contract, connection).to_pylist()}
        assert found == {"members", "courses", "engagements"}


@pytest.mark.parametrize("block", blocks_of("python", but_of=("extend.md",)), ids=str)
def test_python_of_the_pages_runs(block: Block) -> None:
    rng = np.random.default_rng(0)
    rows = {name: csr_matrix(rng.normal(size=(300, 3))) for name in ("x", "genres", "ages")}
    names = {"user_id": rng.integers(0, 20, 300), "item_id": rng.integers(0, 10, 300), "y": rng.integers(0, 2, 300)}
    space = {**rows, **names}
    exec(block.text, space)
    assert space["model"].certificate >= 0
    assert len(space["model"].logits(space["rows"])) == 300


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    for block in BLOCKS:
        if block.kind == "text":
            assert not re.search(r"^\s*(make|duckdb|git|\.venv\S*) ", block.text, flags=re.M), block
        elif block.kind in BY_TEST_EXTEND:
            assert block.page == "extend.md", block
        else:
            assert block.kind in ("", "cron", "sql", "python"), block
    assert [(str(block), words) for block, words in COMMANDS if kind_of(words) == "not checked"] == []
    assert {kind_of(words) for _, words in COMMANDS} >= {"made", "make -n", "show", "selection", "operation", "client"}


# names


def inline(page: Path) -> list[str]:
    return re.findall(r"`([^`\n]+)`", prose(page))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for path, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", prose(page)):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        if anchor:
            headings = re.findall(r"^#+ (.*)", target.read_text(), flags=re.M)
            assert anchor in {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}, anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_targets_tables_and_columns_of_the_text_exist(page: Path, ci_world: Warehouse) -> None:
    columns = set(
        ci_world.query("select schema_name, table_name, column_name from duckdb_columns() where not internal")
    )
    functions = set(ci_world.query("select schema_name, function_name from duckdb_functions()"))
    tables = {column[:2] for column in columns} | functions
    schemas = {schema for schema, _ in tables}
    new_files = set(re.findall(r"new file `([^`]+)`", page.read_text()))
    for code in inline(page):
        if code.startswith("make "):
            assert code.split()[1] in TARGETS | {"day", "forget"}, code
        if re.fullmatch(r"[\w./-]+/[\w.-]+\.(py|sql|yml|csv|md)", code) and code not in new_files:
            assert list(ROOT.glob(code)) or list(ROOT.glob(f"**/{code}")), code
        if (match := re.fullmatch(r"(\w+)\.(\w+)(?:\.(\w+))?", code)) and match[1] in schemas:
            assert match.groups()[:2] in tables, code
            assert match[3] is None or match.groups() in columns, code
        elif page.name == "how_numbers_are_computed.md" and re.fullmatch(r"[a-z]+_[a-z_0-9]+", code):
            known = {name for row in columns for name in row} | {"click_rate", "engaged_learners"}
            known |= set(yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"])
            assert code in known, code
    for code in inline(page):
        if re.match(rf"from ({'|'.join(schemas)})\.", code) and "…" not in code:
            ci_world.query(f"select count(*) from ({code})")


def texts_of(path: Path) -> list[str]:
    """The literal texts of a file, f-strings with … where something is filled in."""
    if path.suffix != ".py":
        return [path.read_text()]
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            found.append("".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
    return found


def test_error_messages_are_quoted_as_they_are() -> None:
    page = (ROOT / "docs" / "operations.md").read_text().split("## Troubleshooting")[1]
    messages = re.findall(r"^\| `([^`]+)` \|", page, flags=re.M)
    sources = [path for folder in ("models_py", "dbt_project") for path in (ROOT / folder).rglob("*.*")]
    texts = [text for path in sources if path.suffix in (".py", ".sql") for text in texts_of(path)]
    texts.append((ROOT / "Makefile").read_text())
    assert len(messages) > 30
    for message in messages:
        parts = [part for part in message.split("…") if len(part) > 2]
        assert parts, message
        for part in parts:
            assert any(part in text for text in texts), f"{message}: nobody says '{part}'"


if __name__ == "__main__":
    (ROOT / "docs" / "queries.md").write_text(queries_page())
