-- A score lies between 0 and 100.
select
    customer_id,
    lead_score
from {{ ref('customer_lead') }}
where lead_score not between 0 and 100
