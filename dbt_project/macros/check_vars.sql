{# Before a run: vars that nobody reads, or that cannot be what they say, stop it; all of them are named. #}

{% macro known_vars() %}
    {{ return([
        'raw_location', 'no_events', 'validation_date', 'test_date', 'id_type', 'as_of_date', 'max_quarantine_share', 'retention_days', 'world_preset', 'world_seed', 'world_members',
        'world_courses', 'world_days', 'published_versions', 'minimum_meaning', 'delta_profile', 'delta_cohort', 'minimum_cohort',
        'held_out_share', 'held_out_fold', 'cs04_text_parts', 'propagation_threshold', 'propagation_cap', 'augmentation_threshold',
        'augmentation_cap', 'augmentation_hops', 'minimum_skill_labels', 'negatives_per_positive',
        'candidates_per_member', 'recommendations_per_member', 'short_course_share', 'finished_share', 'new_course_boost',
        'impression_discount', 'experiment_members', 'variants',
    ]) }}
{% endmacro %}

{% macro check_vars() %}
{%- if execute -%}
    {%- set problems = [] -%}
    {%- for name in invocation_args_dict.vars or {} if name not in known_vars() -%}
        {%- do problems.append("there is no var '" ~ name ~ "'. Remedy: give one of " ~ known_vars() | join(', ')) -%}
    {%- endfor -%}
    {%- for name in ('as_of_date', 'validation_date', 'test_date') -%}
        {%- set day = var(name) | string -%}
        {%- if day and not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', day) -%}
            {%- do problems.append("var " ~ name ~ " is '" ~ day ~ "'. Remedy: write a day as 2024-01-31") -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if (var('validation_date') | string == '') != (var('test_date') | string == '') or var('validation_date') | string > var('test_date') | string -%}
        {%- do problems.append("vars validation_date and test_date are '" ~ var('validation_date') ~ "' and '" ~ var('test_date') ~ "'. Remedy: give both, in order, or neither") -%}
    {%- endif -%}
    {%- if var('id_type') not in ('bigint', 'varchar') -%}
        {%- do problems.append("var id_type is '" ~ var('id_type') ~ "'. Remedy: give bigint or varchar") -%}
    {%- endif -%}
    {%- for name in (
        'max_quarantine_share', 'short_course_share', 'finished_share', 'held_out_share', 'minimum_meaning',
        'propagation_threshold', 'augmentation_threshold',
    ) -%}
        {%- set share = var(name) | string -%}
        {%- if not is_number(share) or share | float > 1 -%}
            {%- do problems.append("var " ~ name ~ " is '" ~ share ~ "'. Remedy: give a share from 0 to 1") -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for name in ('new_course_boost', 'impression_discount') if not is_number(var(name)) -%}
        {%- do problems.append("var " ~ name ~ " is '" ~ var(name) ~ "'. Remedy: give a number from 0 upwards; 0 does nothing") -%}
    {%- endfor -%}
    {%- for name in ('delta_profile', 'delta_cohort', 'propagation_cap') if not is_number(var(name)) -%}
        {%- do problems.append("var " ~ name ~ " is '" ~ var(name) ~ "'. Remedy: give a number from 0 upwards") -%}
    {%- endfor -%}
    {%- for name in (
        'world_seed', 'world_members', 'world_courses', 'world_days', 'published_versions', 'minimum_cohort', 'held_out_fold',
        'augmentation_cap', 'augmentation_hops', 'minimum_skill_labels', 'negatives_per_positive', 'candidates_per_member',
        'recommendations_per_member', 'experiment_members',
    ) if not modules.re.fullmatch('[0-9]{1,15}', var(name, 1) | string) -%}
        {%- do problems.append("var " ~ name ~ " is '" ~ var(name) ~ "'. Remedy: give a whole number from 0 upwards") -%}
    {%- endfor -%}
    {%- if var('no_events') | string | lower not in ('true', 'false') -%}
        {%- do problems.append("var no_events is '" ~ var('no_events') ~ "'. Remedy: give true or false") -%}
    {%- endif -%}
    {%- if not modules.re.fullmatch('([1-9][0-9]{0,5})?', var('retention_days') | string) -%}
        {%- do problems.append("var retention_days is '" ~ var('retention_days') ~ "'. Remedy: give a number of days from 1 upwards, or nothing to read the events of all days") -%}
    {%- endif -%}
    {%- for part in var('cs04_text_parts').split('|') if part not in text_parts() -%}
        {%- do problems.append("var cs04_text_parts has '" ~ part ~ "'. Remedy: give some of " ~ text_parts() | join(', ') ~ ", separated by |") -%}
    {%- endfor -%}
    {%- for name in var('variants') -%}
        {%- set variant = resolved_variant(name) -%}
        {%- for word in [name, variant.learner or 'none', variant.label_set or 'none', variant.course_skills or 'none', variant.member_skills or 'none']
            + (variant.parts or []) + (variant.features or []) if not modules.re.fullmatch('[A-Za-z0-9_]+', word | string) -%}
            {%- do problems.append("variant " ~ name ~ ": '" ~ word ~ "' is no name. Remedy: write names of letters, digits and _") -%}
        {%- endfor -%}
        {%- for l2 in (variant.l2 if variant.l2 is sequence and variant.l2 is not string else [variant.l2 or 1]) if not is_number(l2) -%}
            {%- do problems.append("variant " ~ name ~ " has the l2 '" ~ l2 ~ "'. Remedy: give numbers above 0") -%}
        {%- endfor -%}
        {%- if not variant.learner -%}
            {%- do problems.append("variant " ~ name ~ " has no learner. Remedy: give " ~ rule_learners() | join(', ') ~ ", or the name of a module of models_py/relevance/learners") -%}
        {%- endif -%}
        {%- if not is_number(new_course_boost(name)) -%}
            {%- do problems.append("variant " ~ name ~ " has new_course_boost '" ~ new_course_boost(name) ~ "'. Remedy: give a number from 0 upwards; 0 does nothing") -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set missing = never_learned() if not problems and invocation_args_dict.selector == 'day' else [] -%}
    {%- if missing -%}
        {%- do problems.append("there is no model to keep of " ~ missing | join(', ') ~ ". Remedy: build once without --selector day") -%}
    {%- endif -%}
    {%- if problems %}{{ exceptions.raise_compiler_error(problems | join('\n')) }}{% endif -%}
{%- endif -%}
{% endmacro %}

{# Whether an option is a number from 0 upwards, as it may stand in SQL. #}
{% macro is_number(option) %}{{ return(modules.re.fullmatch('[0-9]*[.]?[0-9]+', option | string) is not none) }}{% endmacro %}

{# The vars of this invocation and some more, as one would type them. #}
{% macro vars_with(more) %}
    {%- set merged = {} -%}
    {%- do merged.update(invocation_args_dict.vars or {}) -%}
    {%- do merged.update(more) -%}
    {%- set listed = [] -%}
    {%- for name, value in merged.items() -%}
        {%- set is_plain = modules.re.fullmatch('[A-Za-z0-9_./~-]+', value | string) -%}
        {%- do listed.append(name ~ ': ' ~ (value if is_plain else tojson(value))) -%}
    {%- endfor -%}
    {{ return('{' ~ listed | join(', ') ~ '}') }}
{% endmacro %}
