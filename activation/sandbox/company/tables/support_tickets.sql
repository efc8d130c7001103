create or replace table raw.support_tickets as
select
    format('T-{}-{}', number, company_day) as ticket_id,
    customer_id,
    pick(draw('severity', number, company_day), [
        'low', 'normal', 'normal', 'Normal', 'urgent'
    ]) as severity,
    -- One to five; a third of the tickets is never rated.
    case
        when draw('rated', number, company_day) < 0.67 then
            1 + whole(draw('rating', number, company_day), case when troubled then 3 else 5 end)
    end::integer as satisfaction,
    moment(company_day, whole(draw('ticket minute', number, company_day), 1440)) as opened_at
from people cross join range(1, last_day() + 1) as r(company_day)
where
    company_day >= signup_day
    and draw('ticket', number, company_day) < case when troubled then 0.05 else 0.003 end;
