-- the features each learned variant uses, its parent's among them
{{ config(schema='variants') }}
{%- set declared = [ref('features'), ref('feature_transformations')] %}
{%- set known = [] %}
{%- if execute %}
{%- for seed in declared if adapter.get_relation(seed.database, seed.schema, seed.identifier) is not none %}
{%- for row in run_query('select feature from ' ~ seed) %}{% do known.append(row[0]) %}{% endfor %}
{%- endfor %}
{%- endif %}
{%- set selects = [] %}
{%- for name in var('variants') | sort %}
{%- for feature in resolved_variant(name).features or [] %}
{%- if known and feature not in known %}
{{ exceptions.raise_compiler_error("variant " ~ name ~ " uses the feature '" ~ feature ~ "', which neither features nor feature_transformations has. Remedy: correct the registry in dbt_project.yml, or add a row to one of the seeds") }}
{%- endif %}
{%- do selects.append("select '" ~ name ~ "' as variant, '" ~ feature ~ "' as feature") %}
{%- endfor %}
{%- endfor %}
{{ selects | join('\nunion all\n') if selects else "select cast(null as varchar) as variant, cast(null as varchar) as feature where false" }}
