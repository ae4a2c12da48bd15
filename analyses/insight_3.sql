-- Insight 3: learned models beat the best affinity variant and stay relevant, affinity cannot follow changing interests.
-- True click rates on the feed of the days after the log, by week and by whether the member's interests changed lately.
{%- if var('raw_location') == '' %}
with segments as (
    select
        case when responses.date < {{ as_of_date() }} + 7 then 'first week' else 'second week' end as week,
        case when members.switch_day <= days.day then 'interests changed' else 'interests as before' end as interests,
        responses.variant,
        sum(responses.expected_clicks) / sum(responses.impressions) as click_rate
    from {{ ref('experiment_responses') }} as responses
    inner join {{ ref('truth_members') }} as members using (member_id)
    inner join {{ ref('truth_days') }} as days on days.date = {{ as_of_date() }}
    where responses.origin = 'simulation' and responses.channel = 'feed' and responses.variant in ('m005', 'm105_history')
    group by all
)

select
    learned.week,
    learned.interests,
    printf('%.2f %%', 100 * affinity.click_rate) as m005,
    printf('%.2f %%', 100 * learned.click_rate) as m105_history,
    {{ as_percentage('learned.click_rate / affinity.click_rate - 1') }} as true_lift,
    case when learned.click_rate > affinity.click_rate then 'as in the paper' else 'not as in the paper' end as verdict
from segments as learned
inner join segments as affinity using (week, interests)
where learned.variant = 'm105_history' and affinity.variant = 'm005'
order by learned.week, learned.interests
{%- else %}
select 'these are your own tables, not the simulated world: the truth is not known' as verdict
{%- endif %}
