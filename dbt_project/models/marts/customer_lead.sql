with scored as (
    select
        *,
        cast(usage_points + breadth_points + size_points as integer) as lead_score
    from {{ ref('lead_points') }}
)

select
    customers.customer_id,
    customers.first_name,
    customers.last_name,
    customers.email,
    -- HubSpot's stages only move forward. So do these: days with any use are never taken back,
    -- and a plan is for good.
    case
        when scored.plan <> 'starter' then 'customer'
        when scored.active_days >= 15 then 'opportunity'
        when scored.active_days >= 5 then 'salesqualifiedlead'
        when scored.active_days >= 1 then 'marketingqualifiedlead'
        else 'lead'
    end as lifecycle_stage,
    scored.lead_score,
    case
        when scored.lead_score >= 70 then 'A'
        when scored.lead_score >= 50 then 'B'
        when scored.lead_score >= 30 then 'C'
        else 'D'
    end as lead_grade,
    case
        when scored.active_days = 0 then 'Has not used the product yet.'
        when scored.usage_points >= scored.breadth_points
            and scored.usage_points >= scored.size_points
            then 'Uses the product on many days.'
        when scored.breadth_points >= scored.size_points
            then 'Uses many features of the product.'
        else 'Has many seats for the use that is made of them.'
    end as lead_reason,
    cast(scored.seats as integer) as seats,
    company.as_of as scored_at
from {{ ref('stg_customers') }} as customers
inner join scored
    on customers.customer_id = scored.customer_id
cross join {{ ref('stg_company') }} as company
