-- Figure 9: how much of the ten highest places goes to courses of categories that the profile names and the member is not
-- interested in, by m105 and by glmix for the same members, and how much of the places that match the profile at all; then
-- the places of such courses in both lists of the two members from whose top ten glmix takes the most
{%- if var('raw_location') == '' %}
with dropped as (
    select
        before.member_id,
        before.course_id,
        before.position as m105_position,
        after.position as glmix_position
    from {{ ref('compared_courses') }} as before
    left join {{ ref('compared_courses') }} as after
        on after.variant = 'glmix' and before.member_id = after.member_id and before.course_id = after.course_id
    where before.variant = 'm105'
        and before.is_stale
        and before.position <= 10
        and (after.position is null or after.position > 10)
),

example_members as (
    select member_id
    from dropped
    group by member_id
    qualify row_number() over (order by count(*) desc, member_id) <= 2
),

lines as (
    select
        0 as member_id,
        1 as place,
        max(members) || ' members' as lists_of,
        'stale in top ten' as stale_course,
        '' as category,
        {%- for name in ('m105', 'glmix') %}
        max(
            case
                when variant = '{{ name }}'
                then printf('%.1f %% +- %.1f', 100 * stale_share, 100 * (stale_share_high - stale_share))
            end
        ) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('stale_shares') }}
    union all
    select
        0 as member_id,
        2 as place,
        max(members) || ' members' as lists_of,
        'of matches, stale' as stale_course,
        '' as category,
        {%- for name in ('m105', 'glmix') %}
        max(case when variant = '{{ name }}' then printf('%.1f %%', 100 * stale_profile_share) end)
            as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('stale_shares') }}
    union all
    select
        dropped.member_id,
        dropped.m105_position as place,
        'member ' || dropped.member_id as lists_of,
        courses.title as stale_course,
        categories.name as category,
        cast(dropped.m105_position as varchar) as m105,
        coalesce(cast(dropped.glmix_position as varchar), 'not listed') as glmix
    from dropped
    semi join example_members using (member_id)
    inner join {{ ref('stg_courses') }} as courses using (course_id)
    inner join {{ ref('stg_course_categories') }} as in_category
        on dropped.course_id = in_category.course_id and in_category.is_primary
    inner join {{ ref('stg_categories') }} as categories on in_category.category_id = categories.category_id
)

select lists_of, stale_course, category, m105, glmix
from lines
order by member_id, place
{%- else %}
select 'these are your own tables, not the simulated world' as lists_of
{%- endif %}
