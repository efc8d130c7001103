-- A score lies between 0 and 100.
select
    customer_id,
    churn_score
from {{ ref('customer_churn') }}
where churn_score not between 0 and 100
