-- Precision and recall of cs03 and cs04 at every threshold. On `validation`, where thresholds are chosen: cs03 against the
-- taxonomists' pairs of the validation courses, cs04 against its labels, every course scored by the models that left it
-- out. On `test`, which chooses nothing: against the taxonomists' pairs of the test courses.
with truth as (
    select 'cs03' as mapping, splits.split, cs01.course_id, cs01.skill_id
    from {{ ref('cs01') }} as cs01
    inner join {{ ref('course_splits') }} as splits using (course_id)
    where splits.split <> 'train'
    union all
    select 'cs04' as mapping, splits.split, cs01.course_id, cs01.skill_id
    from {{ ref('cs01') }} as cs01
    inner join {{ ref('course_splits') }} as splits using (course_id)
    where splits.split = 'test'
    union all
    select 'cs04' as mapping, 'validation' as split, labels.course_id, labels.skill_id
    from {{ ref('cs04_labels') }} as labels
    inner join {{ ref('course_splits') }} as splits using (course_id)
    where labels.label = 1 and splits.split <> 'test'
),

scored as (
    select 'cs03' as mapping, splits.split, scores.course_id, scores.skill_id, scores.probability
    from {{ ref('cs03_scores') }} as scores
    inner join {{ ref('course_splits') }} as splits using (course_id)
    where splits.split <> 'train'
    union all
    select
        'cs04' as mapping,
        case when splits.split = 'test' then 'test' else 'validation' end as split,
        scores.course_id,
        scores.skill_id,
        scores.probability
    from {{ ref('cs04_scores') }} as scores
    inner join {{ ref('course_splits') }} as splits using (course_id)
),

probability_counts as (
    select
        scored.mapping,
        scored.split,
        floor(scored.probability * 1000) / 1000 as threshold,
        count(*) as pairs,
        count(truth.skill_id) as hits
    from scored
    left join truth using (mapping, split, course_id, skill_id)
    group by scored.mapping, scored.split, floor(scored.probability * 1000) / 1000
),

positives as (
    select mapping, split, count(*) as positives
    from truth
    group by mapping, split
),

points as (
    select
        mapping,
        split,
        threshold,
        sum(pairs) over (partition by mapping, split order by threshold desc) as predicted,
        sum(hits) over (partition by mapping, split order by threshold desc) as true_positives
    from probability_counts
)

select
    mapping,
    split,
    cast(threshold as double) as threshold,
    cast(points.predicted as bigint) as predicted,
    cast(points.true_positives / cast(points.predicted as double) as double) as precision,
    cast(points.true_positives / cast(positives.positives as double) as double) as recall,
    cast(2.0e0 * points.true_positives / (points.predicted + positives.positives) as double) as f1
from points
inner join positives using (mapping, split)
