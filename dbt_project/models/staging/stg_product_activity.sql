select
    customer_id,
    activity_date,
    sum(events) as events,
    max(features_used) as features_used
from {{ source('raw', 'product_events') }}
group by customer_id, activity_date
