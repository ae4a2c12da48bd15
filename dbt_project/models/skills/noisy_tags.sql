-- the tagger's tags had it been worse: of each a share replaced by a random skill
{{ config(enabled=var('raw_location') == '') }}
with skills as (
    select skill_id, cast(row_number() over (order by skill_id) - 1 as bigint) as skill_number
    from {{ ref('stg_skills') }}
),

drawn as (
    select
        cs02.course_id,
        cs02.skill_id,
        cs02.text_part,
        {{ hash_bucket(['cs02.course_id', 'cs02.skill_id', 'cs02.text_part'], 'noise', 100) }} as draw,
        cast(
            {{ hash_bucket(['cs02.course_id', 'cs02.skill_id', 'cs02.text_part'], 'noisy skill', 1000000007) }} % sizes.skills
            as bigint
        ) as skill_number
    from {{ ref('cs02') }} as cs02
    cross join (select count(*) as skills from skills) as sizes
)

select distinct
    cast(shares.replaced_share as double) as replaced_share,
    drawn.course_id,
    case when drawn.draw < 100 * shares.replaced_share then skills.skill_id else drawn.skill_id end as skill_id,
    drawn.text_part
from drawn
inner join skills using (skill_number)
cross join (values (0.0), (0.25), (0.5), (0.75)) as shares (replaced_share)
