-- One row a customer and day with any use: the totals of that day.
create or replace table raw.product_events as
select
    customer_id,
    moment(company_day, 0)::date as activity_date,
    greatest(1, round(
        usual_events
        * (0.5 + draw('events', number, company_day))
        * case temper
            when 'fading' then 1 - 0.85 * least(1, company_day / 90.0)
            when 'growing' then 0.6 + least(1, company_day / 90.0)
            else 1
        end
    ))::integer as events,
    (1 + whole(draw('features', number, company_day), 8))::integer as features_used
from people cross join range(1, last_day() + 1) as r(company_day)
where
    company_day >= signup_day
    and draw('active', number, company_day)
    < pace * case when getvariable('weekly') and company_day % 7 in (5, 6) then 0.3 else 1 end;
