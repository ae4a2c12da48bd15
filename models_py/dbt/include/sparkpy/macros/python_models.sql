{# What dbt puts behind the code of a Python model: instead of dbt-spark's, which knows tables of pandas alone. #}
{% macro py_write_table(compiled_code, target_relation) %}
{{ compiled_code }}

from relevance.spark import Relation, save

save(spark, model(dbtObj(lambda name: Relation(spark.table(name))), spark), "{{ target_relation }}", "{{ config.get('file_format', 'parquet') }}")
{% endmacro %}
