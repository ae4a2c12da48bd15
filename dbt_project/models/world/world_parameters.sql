{{ config(enabled=var("raw_location") == "") }}
-- the size of the simulated world, as a row: Python models read tables, not vars
{% set presets = {
    'ci': {'members': 2000, 'courses': 300, 'days': 45},
    'small': {'members': 20000, 'courses': 1000, 'days': 60},
    'big': {'members': 100000, 'courses': 2000, 'days': 60},
} %}
{% if var('world_preset') not in presets -%}
    {{ exceptions.raise_compiler_error("var world_preset is '" ~ var('world_preset') ~ "': give one of " ~ presets.keys() | join(', ')) }}
{% endif %}
{% set size = presets[var('world_preset')] %}
select
    cast({{ var('world_seed') }} as bigint) as seed,
    cast({{ var('world_members', size.members) }} as bigint) as members,
    cast({{ var('world_courses', size.courses) }} as bigint) as courses,
    cast({{ var('world_days', size.days) }} as bigint) as days,
    coalesce((select {{ list_by_rank('member_hash', 'member_hash') }} from {{ forgotten_members() }}), {{ empty_list('varchar') }}) as forgotten_members
