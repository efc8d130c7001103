-- Counted in active days, never in days since: the figures of a customer move only when that
-- customer does something, so a quiet night changes no row.
with ordered as (
    select
        customer_id,
        events,
        features_used,
        row_number() over (partition by customer_id order by activity_date desc) as recency
    from {{ ref('stg_product_activity') }}
),

averaged as (
    select
        customer_id,
        count(*) as active_days,
        max(features_used) as features_used,
        avg(case when recency <= 3 then events end) as recent_events,
        avg(case when recency > 3 then events end) as usual_events
    from ordered
    group by customer_id
)

select
    customer_id,
    active_days,
    features_used,
    recent_events,
    usual_events,
    -- From 0, as much as usual or more, to 1, nothing left; with fewer than three days to compare
    -- with there is no usual yet.
    case
        when active_days >= 6
            then greatest(0, least(1, 1 - recent_events / usual_events))
    end as usage_drop
from averaged
