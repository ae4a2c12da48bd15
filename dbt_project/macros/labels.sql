{# Engagements that name no impression of their member and course, each with the latest one in the day before. #}
{% macro latest_impressions() -%}
    (
        select
            engagements.member_id,
            engagements.course_id,
            engagements.action,
            engagements.engaged_at,
            impressions.impression_id,
            impressions.channel
        from {{ ref('stg_engagements') }} as engagements
        inner join {{ ref('stg_impressions') }} as impressions
            on engagements.member_id = impressions.member_id
            and engagements.course_id = impressions.course_id
            and impressions.served_at <= engagements.engaged_at
            and impressions.served_at >= engagements.engaged_at - interval 1 day
        anti join {{ ref('stg_impressions') }} as named
            on engagements.impression_id = named.impression_id
            and engagements.member_id = named.member_id
            and engagements.course_id = named.course_id
        qualify row_number() over (
            partition by engagements.member_id, engagements.course_id, engagements.action, engagements.engaged_at
            order by impressions.served_at desc, impressions.impression_id
        ) = 1
    )
{%- endmacro %}

{# Whether a word stands in a text of words separated by |; an empty text admits every word. #}
{% macro is_among(word, words) -%}
    ({{ words }} is null or {{ words }} = '' or '|' || {{ words }} || '|' like '%|' || {{ word }} || '|%')
{%- endmacro %}

{# The label sets that a build learns from, as a condition on the column label_set: others cost nothing. #}
{% macro is_used_label_set() -%}
    {%- set used = [] -%}
    {%- for name, learning in learning().items() if learning != 'kept' -%}
        {%- set label_set = resolved_variant(name).label_set -%}
        {%- if label_set and label_set not in used %}{% do used.append(label_set) %}{% endif -%}
    {%- endfor -%}
    label_sets.label_set in ('{{ used | join("', '") }}')
{%- endmacro %}

{# The label sets whose examples a build has a use for: it learns from them, or measures on them, which a day does not. #}
{% macro has_examples() -%}
    {{ is_used_label_set() if invocation_args_dict.selector == 'day' else 'true' }}
{%- endmacro %}

{# The autoplay strategies that label sets use, each with the first day of what it labels; a play may be dated a day before
   its impression. #}
{% macro used_autoplay_strategies() -%}
    select
        strategies.strategy,
        strategies.measure,
        strategies.threshold,
        strategies.scope,
        strategies.window_days,
        strategies.minimum_plays,
        min(label_windows.first_date) - 1 as first_date
    from {{ ref('autoplay_strategies') }} as strategies
    inner join {{ ref('label_sets') }} as label_sets on strategies.strategy = label_sets.autoplay_strategy
    inner join {{ ref('label_windows') }} as label_windows using (label_set)
    group by
        strategies.strategy, strategies.measure, strategies.threshold, strategies.scope, strategies.window_days,
        strategies.minimum_plays
{%- endmacro %}
