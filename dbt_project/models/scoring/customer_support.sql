select
    customer_id,
    count(*) as tickets,
    sum(case when satisfaction <= 2 then 1 else 0 end) as unhappy_tickets,
    sum(case when severity = 'urgent' then 1 else 0 end) as urgent_tickets
from {{ ref('stg_support_tickets') }}
group by customer_id
