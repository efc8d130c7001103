select
    account_id,
    trim(account_name) as account_name,
    lower(trim(plan)) as plan,
    seat_price
from {{ source('raw', 'accounts') }}
