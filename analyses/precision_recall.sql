-- precision and recall of cs03 and cs04 on the held-out courses by threshold, and where the thresholds of use lie
select
    curve.mapping,
    curve.threshold || case when curve.threshold = thresholds.threshold then ' (in use)' else '' end as threshold,
    curve.predicted,
    cast(round(curve.precision, 4) as varchar) as precision,
    cast(round(curve.recall, 4) as varchar) as recall,
    cast(round(curve.f1, 4) as varchar) as f1
from {{ ref('course_skill_curve') }} as curve
inner join {{ ref('course_skill_thresholds') }} as thresholds using (mapping)
where curve.split = 'test'
qualify curve.threshold = thresholds.threshold or row_number() over (
    partition by curve.mapping, floor(20 * curve.threshold)
    order by curve.threshold
) = 1
order by curve.mapping, curve.threshold
