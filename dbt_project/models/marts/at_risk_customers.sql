-- A segment is who is in it: a customer who is no longer at risk has no row.
-- Without an address there is no contact that could be on the list.
select
    customer_id,
    churn_score,
    scored_at
from {{ ref('customer_churn') }}
where churn_band = 'High' and email is not null
