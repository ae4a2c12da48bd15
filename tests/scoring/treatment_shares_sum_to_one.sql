-- every channel of the seed treatments splits all of its members
select channel, sum(share) as shares
from {{ ref('treatments') }}
group by channel
having abs(sum(share) - 1) > 0.000001 or min(share) < 0
