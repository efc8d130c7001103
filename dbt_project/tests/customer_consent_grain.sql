-- One row a person, purpose and channel.
select
    customer_id,
    purpose,
    channel
from {{ ref('customer_consent') }}
group by customer_id, purpose, channel
having count(*) > 1
