"""Prints what a build left behind and what to try next."""

import os
import sys

import duckdb
from ask import published_file

LINE = "-" * 96


FILES = ("COURSE_RECOMMENDER_WAREHOUSE", "COURSE_RECOMMENDER_PUBLISHED")


def main() -> None:
    warehouse = os.environ.get(FILES[0], "warehouse.duckdb")
    published = published_file()
    if not published.exists():
        sys.exit(f"{published} does not exist yet. Remedy: make run")
    with duckdb.connect(str(published), read_only=True) as connection:
        ((version, day, members),) = connection.execute(
            "select version, as_of_date, (select count(*) from serving.recommendation_store) from serving.publication"
        ).fetchall()
        # a member with many reasons, in a channel of the last variant by name
        ((member, channel),) = connection.execute(
            """
            select member_id, map_keys(treatments)[list_position(variants, list_max(variants))]
            from (select *, map_values(treatments) as variants from serving.recommendation_store)
            order by len(reasons) desc, member_id
            limit 1
            """
        ).fetchall()
        shown = f"from recommend({member!r}, '{channel}', top_k := 5)"
        print(f"\n{LINE}\n{warehouse}: every table.  {published}: what readers open, read-only,")
        print(f"with any DuckDB client: version {version}, lists for {day}, {members} members. For example\n")
        print(f'  duckdb -readonly {published} -c "{shown}"\n')
        connection.sql(f"select position, title, reason_text, variant {shown}").show(max_width=150, max_col_width=70)
    here = "".join(f"{name}={os.environ[name]} " for name in FILES if name in os.environ)
    print(f"""Try next:

  {here}make ask SQL="from recommend({member!r}, '{channel}', top_k := 20)"
  {here}make ask SQL="from carousels({member!r}, '{channel}', top_k := 5)"
  {here}make ask SQL="select reason, count(*) from recommend({member!r}, '{channel}', top_k := 200) group by all"
  {here}make ask FILE={warehouse} SQL="from variants.offline_metrics where split = 'test'"

`{here}make report` writes all of the following into one page, report.html.

The analyses, each `{here}.venv/bin/dbt show -s <name> --limit 50`:

  table_1            skill coverage of the mappings, beside the paper's
  table_2            their precision and recall on held-out courses
  table_3            the cold-start models and their mappings
  table_4            the affinity variants online, each against the one before
  table_5            the supervised models offline, each against the one before
  table_6            logistic regression online against the best affinity variant
  table_7            models per member and per course on top; by the member's history: table_7_by_history
  insight_1 to _11   the paper's findings, ours beside them
  ledger             every variant on a line; how many were tested, and how it ended: ledger_verdicts
  aa_tests           whether tests and intervals keep their promise (not with your own data); naive_tests
  off_policy         variants valued from random traffic alone
  glmix_lift         what intercepts and features of these models add; glmix_contributions, glmix_signs, model_size
  figure_9           profile skills that members do not care for, by m105 and by glmix (not with your own data)
  offline            ROC AUC, log-loss and NDCG of every variant
  reasons_shown      how often each reason is shown; whether the skill it names is still of interest: stale_reasons
  new_courses        new courses in the first 30 places, with and without their boost
  store_size         the key-value store beside the plain layout; store_prefilter
  world_calibration  the simulated world against its calibration (not with your own data)

docs/your_data.md says how to bring your own tables, docs/extend.md how to add a variant; docs/queries.md has
twenty queries.
{LINE}""")


if __name__ == "__main__":
    main()
