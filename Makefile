# make run     the environment, then the whole pipeline on the simulated world
# make day     the simulated world lives the next day, served from the published lists, and the pipeline takes it in
# make report  what the last build found, on one page: report.html
# make test    the environment, then the tests, but those that take minutes for what few changes touch: make test_long
# make spark   Spark beside it (Java 17), the pipeline on it, the simulated world small; DuckDB then publishes from its tables
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN = .venv/bin
VARS ?= {}
SQL ?= from recommend(42, 'feed')

.PHONY: run test test_long spark test_spark day report ask rollback versions forget catalogue mars benchmarks clean

run: .venv/installed
	nice $(BIN)/dbt build --vars '$(VARS)'
	@$(BIN)/python models_py/relevance/guide.py

day: .venv/installed
	@PYTHONPATH=models_py $(BIN)/python -m relevance.world.next_day
	nice $(BIN)/dbt build --selector day --vars '$(VARS)'

report: .venv/installed
	@$(BIN)/python models_py/relevance/report.py --vars '$(VARS)'

test: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -m "not long" -n 2 --dist loadfile --no-loadscope-reorder

test_long: .venv/installed
	$(BIN)/python -m pytest -m long -n 2 --dist loadfile

LAKE = COURSE_RECOMMENDER_WAREHOUSE=lake.duckdb COURSE_RECOMMENDER_PUBLISHED=published_lake

spark test_spark: export PYTHONPATH = models_py
spark test_spark: export SPARK_LOCAL_IP = 127.0.0.1
spark test_spark: export PYSPARK_PYTHON = $(abspath $(BIN)/python)
spark: VARS = {world_preset: ci}
spark: .venv/spark
	rm -rf lake lake.duckdb
	nice $(BIN)/dbt build --target spark --selector spark --vars '$(VARS)'
	$(LAKE) $(BIN)/dbt run-operation read_lake --vars '$(VARS)'
	$(LAKE) nice $(BIN)/dbt build --selector lake --vars '$(VARS)'
	@$(LAKE) $(BIN)/python models_py/relevance/guide.py

test_spark: .venv/spark
	$(BIN)/python -m pytest tests/spark

# make ask SQL="from recommend(42, 'home', top_k := 5)"; FILE=warehouse.duckdb asks the warehouse instead
ask: export ASK_SQL = $(value SQL)
ask: export ASK_FILE = $(FILE)
ask: .venv/installed
	@$(BIN)/python models_py/relevance/ask.py

# make versions; make rollback VERSION=3; unlike dbt run-operation they do not open the warehouse, so a build may be running
rollback: export SERVED_VERSION = $(value VERSION)
rollback: .venv/installed
	@$(BIN)/python models_py/relevance/publication.py "$${COURSE_RECOMMENDER_PUBLISHED:-published}" "$$SERVED_VERSION"

versions: .venv/installed
	@$(BIN)/python models_py/relevance/publication.py "$${COURSE_RECOMMENDER_PUBLISHED:-published}"

# make forget MEMBER=42
forget: export FORGET_MEMBER = $(value MEMBER)
forget: .venv/installed
	@PYTHONPATH=models_py $(BIN)/python -m relevance.privacy

# make catalogue CATALOGUE=<file> COLUMNS="course_id=id title=name description=about tags=skills" OPTIONS="--minimum 10"
catalogue: .venv/installed
	$(BIN)/python examples/catalogue/tag_catalogue.py "$(CATALOGUE)" $(COLUMNS) $(OPTIONS)

# make mars MARS=<folder of the MARS files>
mars: .venv/installed
	$(BIN)/python examples/mars/make_raw.py "$(MARS)" target/mars_raw
	COURSE_RECOMMENDER_WAREHOUSE=mars.duckdb COURSE_RECOMMENDER_PUBLISHED=published_mars \
	    $(BIN)/dbt build --vars '{raw_location: target/mars_raw}'
	@COURSE_RECOMMENDER_WAREHOUSE=mars.duckdb COURSE_RECOMMENDER_PUBLISHED=published_mars \
	    $(BIN)/python models_py/relevance/guide.py

benchmarks: .venv/installed
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

.venv/installed: constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed (PYTHON=<path> names one)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed, $(PYTHON) is older (PYTHON=<path> names another)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --requirement constraints.txt
	@touch $@

.venv/spark: .venv/installed constraints-spark.txt
	@java -version 2>&1 | grep -qE 'version "(1[7-9]|[2-9][0-9])' || { echo "Spark needs Java 17 or later on the path (JAVA_HOME)"; exit 1; }
	$(BIN)/python -m pip install --requirement constraints.txt --requirement constraints-spark.txt
	@touch $@

clean:
	rm -rf .venv target logs published published_mars published_lake lake warehouse.duckdb mars.duckdb lake.duckdb report.html
