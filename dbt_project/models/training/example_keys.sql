-- What the features of an example hang on: the request (a member's day and hour), the course on that day, and the pair of
-- both. Examples of several label sets share them.
{{ config(day='served_date') }}
with made_examples as (
    select example_id, member_id, course_id, served_date, served_at
    from {{ ref('examples') }}
    where {{ is_made_anew('served_date') }}
),

requests as (
    select member_id, served_date, served_hour, {{ numbered_in_day('served_date', 'row_number() over (partition by served_date order by member_id, served_hour)') }} as request_id
    from (
        select distinct member_id, served_date, cast(extract(hour from served_at) as integer) as served_hour
        from made_examples
    ) as distinct_requests
),

course_days as (
    select course_id, served_date, {{ numbered_in_day('served_date', 'row_number() over (partition by served_date order by course_id)') }} as course_day_id
    from (
        select distinct course_id, served_date
        from made_examples
    ) as distinct_days
),

keyed as (
    select
        examples.example_id,
        examples.member_id,
        examples.course_id,
        examples.served_date,
        requests.served_hour,
        requests.request_id,
        course_days.course_day_id
    from made_examples as examples
    inner join requests
        on examples.member_id = requests.member_id
        and examples.served_date = requests.served_date
        and extract(hour from examples.served_at) = requests.served_hour
    inner join course_days on examples.course_id = course_days.course_id and examples.served_date = course_days.served_date
)

select
    example_id,
    member_id,
    course_id,
    cast(served_date as date) as served_date,
    served_hour,
    cast(request_id as bigint) as request_id,
    cast(course_day_id as bigint) as course_day_id,
    cast({{ numbered_in_day('served_date', 'dense_rank() over (partition by served_date order by request_id, course_day_id)') }} as bigint) as pair_id
from keyed
