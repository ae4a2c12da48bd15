-- The lists that stand as they were made: they are in order, without what is excluded, full, and nothing moves them.
{{ config(materialized='view') }}
with lists as (
    select variant, member_id, courses, scores
    from {{ ref('learned_lists') }}
    union all
    select variant, member_id, courses, scores
    from {{ ref('rule_lists') }}
)

select lists.variant, lists.member_id, lists.courses, lists.scores, {{ list_places('lists.courses') }} as positions
from lists
inner join {{ ref('variants') }} as variants using (variant)
where {{ list_length('lists.courses') }} = {{ var('recommendations_per_member') }}
    and {{ 'false' if var('impression_discount') | float > 0 else 'variants.new_course_boost = 0' }}
