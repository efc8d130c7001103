-- Health is told from the score of leaving, and moves only when that does.
select
    customers.customer_id,
    customers.account_id,
    nullif(concat_ws(' ', customers.first_name, customers.last_name), '') as full_name,
    customers.email,
    accounts.plan,
    case churn.churn_band
        when 'High' then 'poor'
        when 'Medium' then 'fair'
        else 'good'
    end as health,
    cast(100 - churn.churn_score as decimal(5, 2)) as health_score,
    churn.scored_at as measured_at
from {{ ref('stg_customers') }} as customers
inner join {{ ref('stg_accounts') }} as accounts
    on customers.account_id = accounts.account_id
inner join {{ ref('customer_churn') }} as churn
    on customers.customer_id = churn.customer_id
