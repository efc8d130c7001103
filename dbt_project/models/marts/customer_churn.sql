with scored as (
    select
        *,
        cast(usage_points + support_points + plan_points as decimal(5, 2)) as churn_score
    from {{ ref('churn_points') }}
)

select
    customers.customer_id,
    accounts.account_name,
    customers.first_name,
    customers.last_name,
    customers.email,
    scored.churn_score,
    case
        when scored.churn_score >= 50 then 'High'
        when scored.churn_score >= 30 then 'Medium'
        else 'Low'
    end as churn_band,
    case
        when scored.active_days = 0 then 'Has not used the product yet.'
        when scored.support_points >= 12 and scored.support_points >= scored.usage_points
            then 'Several support tickets ended unhappily or were urgent.'
        when scored.usage_drop >= 0.6
            then 'Use of the product has fallen by more than half against the usual.'
        when scored.usage_drop >= 0.25
            then 'Use of the product is clearly below the usual.'
        when scored.usage_drop is null
            then 'Has only begun to use the product.'
        else 'Use of the product is steady or growing.'
    end as churn_reason,
    cast(customers.seats * accounts.seat_price as decimal(12, 2)) as monthly_value,
    company.as_of as scored_at
from {{ ref('stg_customers') }} as customers
inner join {{ ref('stg_accounts') }} as accounts
    on customers.account_id = accounts.account_id
inner join scored
    on customers.customer_id = scored.customer_id
cross join {{ ref('stg_company') }} as company
