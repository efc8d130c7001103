-- How much a customer makes of the product, in three parts that sales can be told:
--   usage     up to 40 points: two for every day with any use
--   breadth   up to 30 points: four for every feature used on the best day
--   size      up to 30 points: one for every seat
-- The parts move only when that customer does something, so a quiet night changes no row.
select
    customers.customer_id,
    customers.seats,
    accounts.plan,
    coalesce(usage.active_days, 0) as active_days,
    coalesce(usage.features_used, 0) as features_used,
    least(40, 2 * coalesce(usage.active_days, 0)) as usage_points,
    least(30, 4 * coalesce(usage.features_used, 0)) as breadth_points,
    least(30, customers.seats) as size_points
from {{ ref('stg_customers') }} as customers
inner join {{ ref('stg_accounts') }} as accounts
    on customers.account_id = accounts.account_id
left join {{ ref('customer_usage') }} as usage
    on customers.customer_id = usage.customer_id
