-- The sessions that experiments are simulated in: those of the days after the log, of as many members as take part, by hash
{{ config(enabled=var('raw_location') == '') }}
with members as (
    select member_id
    from (select distinct member_id from {{ ref('truth_sessions') }}) as everybody
    qualify row_number() over (order by {{ hash_bucket(['member_id'], 'experiment_members', 1000000007) }}, member_id) <= {{ var('experiment_members') }}
)

select sessions.*
from {{ ref('truth_sessions') }} as sessions
semi join members on sessions.member_id = members.member_id
