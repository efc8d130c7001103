-- Who is likely to leave is in poor health, and the other way round.
select health.customer_id
from {{ ref('customer_health') }} as health
inner join {{ ref('customer_churn') }} as churn
    on health.customer_id = churn.customer_id
where (churn.churn_band = 'High') <> (health.health = 'poor')
    or health.health_score + churn.churn_score <> 100
