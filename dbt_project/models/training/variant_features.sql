-- the features each learned variant uses, its parent's among them, by effect
{{ config(schema='variants') }}
{%- set declared = [ref('features'), ref('feature_transformations')] %}
{%- set known = [] %}
{%- if execute %}
{%- for seed in declared if adapter.get_relation(seed.database, seed.schema, seed.identifier) is not none %}
{%- for row in run_query('select feature from ' ~ seed) %}{% do known.append(row[0]) %}{% endfor %}
{%- endfor %}
{%- endif %}
{%- set rows = [] %}
{%- for name in var('variants') | sort %}
{%- set variant = resolved_variant(name) %}
{%- set effects = {'global': variant.features or []} %}
{%- do effects.update(variant.random_effects or {}) %}
{%- if variant.random_effects and (variant.parts or []) | length > 1 %}
{{ exceptions.raise_compiler_error("variant " ~ name ~ " has random effects on top of " ~ variant.parts | join(', ') ~ ". Remedy: name one of them as its parts") }}
{%- endif %}
{%- for effect in effects if effect not in ('global', 'member', 'course') %}
{{ exceptions.raise_compiler_error("variant " ~ name ~ " has the random effect '" ~ effect ~ "'. Remedy: give member, course or both") }}
{%- endfor %}
{%- for effect, features in effects.items() %}
{%- set reads = {'member': 'course_', 'course': 'member_'}[effect] if effect != 'global' else '' %}
{%- for feature in features %}
{%- if known and feature not in known %}
{{ exceptions.raise_compiler_error("variant " ~ name ~ " uses the feature '" ~ feature ~ "', which neither features nor feature_transformations has. Remedy: correct the registry in dbt_project.yml, or add a row to one of the seeds") }}
{%- endif %}
{%- if not feature.startswith(reads) %}
{{ exceptions.raise_compiler_error("variant " ~ name ~ ": the models per " ~ effect ~ " read features " ~ reads ~ "..., '" ~ feature ~ "' is none. Remedy: correct random_effects in dbt_project.yml") }}
{%- endif %}
{%- do rows.append("('" ~ name ~ "', '" ~ effect ~ "', '" ~ feature ~ "')") %}
{%- endfor %}
{%- endfor %}
{%- endfor %}
select variant, effect, feature
from (values {{ rows | join(',\n    ') or "('', '', '')" }}) as declared (variant, effect, feature)
where variant <> ''
