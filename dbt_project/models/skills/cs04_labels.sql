-- What cs04 learns from, and where each label comes from: the taxonomists' pairs of the courses that are not held out;
-- `propagated` to other courses whose transcripts are like theirs; `augmented` along the skill-correlation graph, each
-- label bringing at most augmentation_cap correlated skills per hop; and random negatives, whose weights stand for all
-- pairs that are no positives.
with visible_courses as (
    select course_id
    from {{ ref('course_splits') }}
    where split <> 'test'
),

taxonomist_labels as (
    select cs01.course_id, cs01.skill_id, 1.0e0 as strength
    from {{ ref('cs01') }} as cs01
    semi join visible_courses using (course_id)
),

-- votes of the most similar transcripts; a skill grows by at most propagation_cap times its own labels
propagated_labels as (
    select votes.course_id, votes.skill_id, votes.strength
    from (
        select
            neighbours.course_id,
            labels.skill_id,
            round({{ exact_sum('neighbours.similarity') }} / max(totals.similarity), 9) as strength
        from {{ ref('transcript_neighbours') }} as neighbours
        inner join taxonomist_labels as labels on neighbours.neighbour_id = labels.course_id
        inner join (
            select course_id, {{ exact_sum('similarity') }} as similarity
            from {{ ref('transcript_neighbours') }}
            group by course_id
        ) as totals on neighbours.course_id = totals.course_id
        group by neighbours.course_id, labels.skill_id
    ) as votes
    inner join (
        select skill_id, count(*) as labels
        from taxonomist_labels
        group by skill_id
    ) as skill_counts using (skill_id)
    where votes.strength >= {{ var('propagation_threshold') }}
    qualify row_number() over (partition by votes.skill_id order by votes.strength desc, votes.course_id)
        <= {{ var('propagation_cap') }} * skill_counts.labels
),

hop_0 as (
    select course_id, skill_id, strength, 'taxonomist' as source, 0 as hop
    from taxonomist_labels
    union all
    select course_id, skill_id, strength, 'propagated' as source, 0 as hop
    from propagated_labels
),
{% for hop in range(1, var('augmentation_hops') | int + 1) %}
hop_{{ hop }} as (
    select course_id, skill_id, round(max(strength), 9) as strength, 'augmented' as source, {{ hop }} as hop
    from (
        select labels.course_id, correlations.related_skill_id as skill_id, labels.strength * correlations.similarity as strength
        from hop_{{ hop - 1 }} as labels
        inner join {{ ref('skill_correlations') }} as correlations using (skill_id)
        {%- for earlier in range(hop) %}
        anti join hop_{{ earlier }} as known_{{ earlier }}
            on labels.course_id = known_{{ earlier }}.course_id and correlations.related_skill_id = known_{{ earlier }}.skill_id
        {%- endfor %}
        where labels.strength * correlations.similarity >= {{ var('augmentation_threshold') }}
        qualify row_number() over (
            partition by labels.course_id, labels.skill_id
            order by correlations.similarity desc, correlations.related_skill_id
        ) <= {{ var('augmentation_cap') }}
    ) as candidates
    group by course_id, skill_id
),
{% endfor %}
positives as (
    {%- for hop in range(var('augmentation_hops') | int + 1) %}
    select course_id, skill_id, strength, source, hop
    from hop_{{ hop }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

skill_positives as (
    select skill_id, count(*) as positives
    from positives
    semi join visible_courses using (course_id)
    group by skill_id
    having count(*) >= {{ var('minimum_skill_labels') }}
),

negative_draws as (
    select
        visible_courses.course_id,
        skill_positives.skill_id,
        skill_positives.positives,
        row_number() over (
            partition by skill_positives.skill_id
            order by {{ hash_bucket(['visible_courses.course_id', 'skill_positives.skill_id'], 'cs04_negatives', 1000000007) }}, visible_courses.course_id
        ) as draw_number,
        count(*) over (partition by skill_positives.skill_id) as negatives
    from visible_courses
    cross join skill_positives
    anti join positives
        on visible_courses.course_id = positives.course_id and skill_positives.skill_id = positives.skill_id
),

random_negatives as (
    select
        course_id,
        skill_id,
        negatives / cast(count(*) over (partition by skill_id) as double) as weight
    from negative_draws
    where draw_number <= {{ var('negatives_per_positive') }} * positives
)

select
    positives.course_id,
    positives.skill_id,
    cast(1 as integer) as label,
    positives.source,
    cast(positives.hop as integer) as hop,
    cast(positives.strength as double) as strength,
    cast(1.0 as double) as weight
from positives
semi join skill_positives using (skill_id)
union all
select
    course_id,
    skill_id,
    cast(0 as integer) as label,
    'random_negative' as source,
    cast(0 as integer) as hop,
    cast(0.0 as double) as strength,
    cast(round(weight, 9) as double) as weight
from random_negatives
