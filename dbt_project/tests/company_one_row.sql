-- The models take exactly one moment for now.
select count(*) as company_rows
from {{ source('raw', 'company') }}
having count(*) <> 1
