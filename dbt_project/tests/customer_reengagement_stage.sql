-- A reason is told of those who are away, and of nobody else.
select
    customer_id,
    reengagement_stage
from {{ ref('customer_reengagement') }}
where (reengagement_stage = 'none') <> (reengagement_reason is null)
