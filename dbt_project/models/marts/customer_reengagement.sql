-- Who uses the product less than usual. Nothing here moves with the calendar alone, such as the
-- days since the last visit would: each value that changes costs money, and may set off a message.
with staged as (
    select
        customer_id,
        usage_drop,
        case
            when usage_drop >= 0.6 then 'win_back'
            when usage_drop >= 0.25 then 'remind'
            else 'none'
        end as stage
    from {{ ref('customer_usage') }}
)

select
    customers.customer_id,
    customers.first_name,
    customers.email,
    staged.stage as reengagement_stage,
    case staged.stage
        when 'win_back' then 'Use of the product has fallen by more than half against the usual.'
        when 'remind' then 'Use of the product is clearly below the usual.'
    end as reengagement_reason,
    churn.churn_band,
    churn.monthly_value,
    -- It only ever takes away: who may be written to again says so where the letters come from.
    case when consent.status = 'denied' then 'unsubscribed' end as email_opt_out,
    company.as_of as segmented_at
from {{ ref('stg_customers') }} as customers
inner join staged
    on customers.customer_id = staged.customer_id
inner join {{ ref('customer_churn') }} as churn
    on customers.customer_id = churn.customer_id
left join {{ ref('customer_consent') }} as consent
    on customers.customer_id = consent.customer_id
    and consent.purpose = 'marketing'
    and consent.channel = 'email'
cross join {{ ref('stg_company') }} as company
