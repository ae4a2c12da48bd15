-- the registry as a table; a variant that extends another inherits what it does not state
{{ config(schema='variants') }}
-- depends_on: {{ ref('treatments') }}
{%- set registry = var('variants') %}
{%- set learning = learning() %}
{%- set served = served_variants() %}
{%- for name in registry | sort %}
{%- set variant = resolved_variant(name) %}
select
    '{{ name }}' as variant,
    '{{ variant.learner }}' as learner,
    {{ "'" ~ variant.extends ~ "'" if variant.extends else 'cast(null as string)' }} as parent,
    {{ "'" ~ variant.label_set ~ "'" if variant.label_set else 'cast(null as string)' }} as label_set,
    {{ "'" ~ variant.course_skills ~ "'" if variant.course_skills else 'cast(null as string)' }} as course_skills,
    {{ "'" ~ variant.member_skills ~ "'" if variant.member_skills else 'cast(null as string)' }} as member_skills,
    '{{ (variant.l2 if variant.l2 is iterable else [variant.l2]) | join('|') if variant.l2 is defined else '1|10|100' }}' as l2,
    {{ "'" ~ variant.parts | join('|') ~ "'" if variant.parts else 'cast(null as string)' }} as parts,
    {{ "'" ~ variant.random_effects | join('|') ~ "'" if variant.random_effects else 'cast(null as string)' }} as random_effects,
    cast({{ new_course_boost(name) }} as double) as new_course_boost,
    {{ 'true' if name in served else 'false' }} as is_served,
    '{{ learning[name] }}' as learning,
    '{{ variant.description | default('') | replace("'", "''") }}' as description
{{ 'union all' if not loop.last }}
{%- endfor %}
