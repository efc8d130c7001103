-- No customer is lost on the way to the leads.
select churn.customer_id
from {{ ref('customer_churn') }} as churn
left join {{ ref('customer_lead') }} as lead
    on churn.customer_id = lead.customer_id
where lead.customer_id is null
