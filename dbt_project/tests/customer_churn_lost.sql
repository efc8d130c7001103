-- No customer is lost on the way from raw to the mart.
select distinct raw_customers.customer_id
from {{ source('raw', 'customers') }} as raw_customers
left join {{ ref('customer_churn') }} as churn
    on raw_customers.customer_id = churn.customer_id
where churn.customer_id is null
