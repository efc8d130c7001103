with cleaned as (
    select
        customer_id,
        account_id,
        {{ blank_to_null('first_name') }} as first_name,
        {{ blank_to_null('last_name') }} as last_name,
        lower(trim(email)) as email,
        seats,
        updated_at
    from {{ source('raw', 'customers') }}
),

ranked as (
    select
        *,
        -- A state that was delivered twice is the same row once it is cleaned.
        row_number() over (
            partition by customer_id
            order by updated_at desc, email, account_id, last_name, first_name, seats
        ) as recency
    from cleaned
)

select
    customer_id,
    account_id,
    first_name,
    last_name,
    case
        when regexp_matches(
            email, '^[a-z0-9._%+-]+@[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9-]+)*[.][a-z]{2,}$'
        ) then email
    end as email,
    seats,
    updated_at
from ranked
where recency = 1
