-- Sums of decimals are exact, whatever the order of the rows: the same customers give the same
-- health on every build.
with members as (
    select
        customers.account_id,
        count(*) as customers,
        sum(customers.seats) as seats,
        sum(churn.monthly_value) as monthly_value,
        cast(100 - sum(churn.churn_score) / count(*) as decimal(5, 2)) as health_score
    from {{ ref('stg_customers') }} as customers
    inner join {{ ref('customer_churn') }} as churn
        on customers.customer_id = churn.customer_id
    group by customers.account_id
)

select
    accounts.account_id,
    accounts.account_name,
    accounts.plan,
    -- The bands of the score of leaving, turned round.
    case
        when members.health_score > 70 then 'good'
        when members.health_score > 50 then 'fair'
        when members.health_score is not null then 'poor'
    end as health,
    members.health_score,
    coalesce(members.health_score <= 50, false) as at_risk,
    cast(coalesce(members.customers, 0) as integer) as customers,
    cast(coalesce(members.seats, 0) as integer) as seats,
    cast(coalesce(members.monthly_value, 0) as decimal(12, 2)) as monthly_value,
    company.as_of as measured_at
from {{ ref('stg_accounts') }} as accounts
left join members
    on accounts.account_id = members.account_id
cross join {{ ref('stg_company') }} as company
