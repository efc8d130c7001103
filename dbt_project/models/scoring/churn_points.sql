-- The score is the sum of three parts that can be told to a customer manager:
--   usage     up to 60 points: how far the last three active days fall short of the usual
--   support   up to 25 points: tickets that ended unhappily, and urgent ones
--   plan      up to 15 points: the smaller the plan, the easier it is to leave
with joined as (
    select
        customers.customer_id,
        accounts.plan,
        coalesce(usage.active_days, 0) as active_days,
        usage.usage_drop,
        coalesce(support.unhappy_tickets, 0) as unhappy_tickets,
        coalesce(support.urgent_tickets, 0) as urgent_tickets
    from {{ ref('stg_customers') }} as customers
    inner join {{ ref('stg_accounts') }} as accounts
        on customers.account_id = accounts.account_id
    left join {{ ref('customer_usage') }} as usage
        on customers.customer_id = usage.customer_id
    left join {{ ref('customer_support') }} as support
        on customers.customer_id = support.customer_id
)

select
    customer_id,
    active_days,
    usage_drop,
    unhappy_tickets,
    -- Little history is some risk; it shrinks with every active day.
    60 * coalesce(usage_drop, 0.5 - 0.05 * active_days) as usage_points,
    25 * least(1, 0.3 * unhappy_tickets + 0.15 * urgent_tickets) as support_points,
    case plan when 'starter' then 15 when 'team' then 8 else 0 end as plan_points
from joined
