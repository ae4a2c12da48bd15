-- The compact store against the plain layout on the project's own lists (section 4.3), for one variant of the treatments, for
-- two, and so on in the order of their names, each pushed to the members it is assigned to. Bytes are lengths times widths, no
-- compression: plain, per member and variant, 17 bytes a course (8 of its key, 1 of its reason, 8 of the skill); compact 6
-- bytes for each course of the union, 4 for each reason of the member, 2 for each place in a list; keys of rows in both.
-- `lists_and_union` are lists per record, courses in their union, and these as multiples of a list; `one_list_more` the bytes
-- that a further list of a member takes, plain and compact. benchmarks/store.py measures files and seconds; store_prefilter has what is not pushed.
with variant_numbers as (
    select variant, row_number() over (order by variant) as variant_number
    from (select distinct variant from {{ ref('assignments') }}) as assigned
),

places as (
    select lists.member_id, lists.course_id, variant_numbers.variant_number, best_reasons.reason, best_reasons.skill_id
    from {{ ref('scores') }} as lists
    inner join variant_numbers using (variant)
    inner join {{ ref('best_reasons') }} as best_reasons using (member_id, course_id)
),

-- a course, and a reason, enter a record with the first variant that has them
listed_courses as (
    select member_id, course_id, min(variant_number) as variant_number
    from places
    group by member_id, course_id
),

listed_reasons as (
    select member_id, reason, skill_id, min(variant_number) as variant_number
    from places
    group by member_id, reason, skill_id
),

listed_lists as (
    select member_id, variant_number, count(*) as length
    from places
    group by member_id, variant_number
),

steps as (
    select
        variant_numbers.variant_number as variants,
        (select count(*) from {{ ref('stg_members') }}) as members,
        (select count(distinct member_id) from listed_lists where variant_number <= variant_numbers.variant_number) as records,
        (select count(*) from listed_lists where variant_number <= variant_numbers.variant_number) as lists,
        (select sum(length) from listed_lists where variant_number <= variant_numbers.variant_number) as places,
        (select count(*) from listed_courses where variant_number <= variant_numbers.variant_number) as courses,
        (select count(*) from listed_reasons where variant_number <= variant_numbers.variant_number) as reasons
    from variant_numbers
),

sizes as (
    select
        *,
        places * 17.0e0 + lists * 16 as plain_bytes,
        courses * 6.0e0 + reasons * 4 + places * 2 + records * 8 + lists * 8 as compact_bytes
    from steps
)

select
    variants,
    cast(round(lists / records, 2) as decimal(9, 2)) || ': ' || cast(round(courses / records) as integer)
    || ' (' || cast(round(courses / records / (places / lists), 2) as decimal(9, 2)) || 'x)' as lists_and_union,
    cast(round(plain_bytes / members) as integer) as plain_bytes,
    cast(round(compact_bytes / members) as integer) as compact_bytes,
    cast(round(plain_bytes / compact_bytes, 2) as decimal(9, 2)) || ' (paper 3)' as ratio,
    cast(round((plain_bytes - lag(plain_bytes, 1, 0) over (order by variants)) / (lists - lag(lists, 1, 0) over (order by variants))) as integer)
    || ' / '
    || cast(round((compact_bytes - lag(compact_bytes, 1, 0) over (order by variants)) / (lists - lag(lists, 1, 0) over (order by variants))) as integer)
        as one_list_more
from sizes
order by variants
