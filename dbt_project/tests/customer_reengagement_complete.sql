-- Every customer that has ever used the product is there.
select distinct events.customer_id
from {{ source('raw', 'product_events') }} as events
inner join {{ ref('stg_customers') }} as customers
    on events.customer_id = customers.customer_id
left join {{ ref('customer_reengagement') }} as segment
    on events.customer_id = segment.customer_id
where segment.customer_id is null
