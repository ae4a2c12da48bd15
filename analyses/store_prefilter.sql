-- What the pre-filter (section 4.3, figure 7) leaves out: lists that nobody is shown. With it a member gets the variants assigned
-- in some channel; without it all variants of the treatments. Bytes as in store_size; the union of lists that were never made is
-- not known, so that of the assigned ones stands for it and the compact layout without pre-filter is larger than written.
with assigned as (
    select distinct member_id, variant
    from {{ ref('assignments') }}
),

courses as (
    select member_id, count(*) as courses, count(distinct (reason, skill_id)) as reasons
    from {{ ref('best_reasons') }}
    group by member_id
),

members as (
    select
        count(*) as members,
        sum(courses.courses) * 6.0e0 + sum(courses.reasons) * 4 + count(*) * 8 as record_bytes,
        (select count(*) from assigned) as assigned_lists,
        count(*) * (select count(distinct variant) from assigned) as all_lists
    from courses
),

pushed as (
    select 'with pre-filter' as pushed, members, record_bytes, assigned_lists as lists from members
    union all
    select 'without' as pushed, members, record_bytes, all_lists as lists from members
)

select
    pushed,
    cast(round(lists / members, 2) as decimal(9, 2)) as lists_per_member,
    cast(round(lists * ({{ var('recommendations_per_member') }} * 17.0e0 + 16) / members) as integer) as plain_bytes,
    cast(round((record_bytes + lists * ({{ var('recommendations_per_member') }} * 2.0e0 + 8)) / members) as integer) as compact_bytes,
    cast(round(lists / min(lists) over (), 2) as decimal(9, 2)) as times_the_lists
from pushed
order by lists
