select
    day,
    as_of
from {{ source('raw', 'company') }}
