-- The first `top_k` courses of a member in a channel. Without an answer are: an unknown member, an unknown channel, a channel
-- without treatment, null or what cannot be one (a text for a number) in any argument, a top_k below 1.
{{ config(materialized='table_function', parameters=['member', 'channel', 'top_k := 10']) }}
select position, course_id, title, reason, reason_text, score, variant
from {{ served('served_list') }}(member, channel, top_k := top_k)
order by position
