select
    ticket_id,
    customer_id,
    lower(trim(severity)) as severity,
    satisfaction,
    opened_at
from {{ source('raw', 'support_tickets') }}
