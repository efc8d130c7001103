-- The latest decision holds, whenever it was received. Of decisions about the same instant the
-- least permissive holds.
with ranked as (
    select
        customer_id,
        purpose,
        channel,
        status,
        decided_at,
        row_number() over (
            partition by customer_id, purpose, channel
            order by
                decided_at desc,
                case status when 'denied' then 0 when 'unknown' then 1 else 2 end
        ) as precedence
    from {{ ref('stg_consent_events') }}
)

select
    ranked.customer_id,
    ranked.purpose,
    ranked.channel,
    ranked.status,
    ranked.decided_at as as_of,
    company.as_of as loaded_at
from ranked
cross join {{ ref('stg_company') }} as company
where ranked.precedence = 1
