select
    event_id,
    customer_id,
    lower(trim(purpose)) as purpose,
    lower(trim(channel)) as channel,
    system,
    -- Words that nobody has agreed on are no consent.
    case
        when lower(trim(status)) in ('granted', 'opt-in', 'yes') then 'granted'
        when lower(trim(status)) in ('denied', 'opt-out', 'no') then 'denied'
        else 'unknown'
    end as status,
    -- A system whose clock runs ahead must not outrank later decisions.
    least(event_at, received_at) as decided_at,
    received_at
from {{ source('raw', 'consent_events') }}
