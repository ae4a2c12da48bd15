-- Table 2: precision and recall of the course to skill mappings on held-out courses, against the taxonomists' pairs, with
-- 95 % intervals by a bootstrap over courses
select
    quality.mapping,
    round(quality.precision, 4) || ' [' || round(quality.precision_low, 4) || ', ' || round(quality.precision_high, 4) || ']' as precision,
    paper_precision.value as paper_precision,
    round(quality.recall, 4) || ' [' || round(quality.recall_low, 4) || ', ' || round(quality.recall_high, 4) || ']' as recall,
    paper_recall.value as paper_recall,
    quality.courses
from {{ ref('course_skill_quality') }} as quality
left join {{ ref('paper_values') }} as paper_precision
    on paper_precision.source = 'table 2 precision' and quality.mapping = paper_precision.name
left join {{ ref('paper_values') }} as paper_recall
    on paper_recall.source = 'table 2 recall' and quality.mapping = paper_recall.name
order by quality.mapping
