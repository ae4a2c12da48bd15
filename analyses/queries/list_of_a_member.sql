-- What a member is recommended on each channel, first five courses: put the member in place of the first one
select channels.channel, list.position, list.title, list.reason_text, round(list.score, 3) as score, list.variant
from seeds.channels as channels, serving.recommend((select min(member_id) from serving.assignments), channels.channel, top_k := 5) as list
order by channels.channel, list.position
