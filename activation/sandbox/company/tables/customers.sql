-- One row a state of a customer, as an extract that appends would leave them.
create or replace table raw.customers as
with states as (
    select number, signup_day as state_day from people
    union all
    -- Some were edited during the history,
    select number, signup_day + 1 + whole(draw('edit day', number), 90 - signup_day)
    from people
    where signup_day < 90 and draw('edited', number) < 0.04
    union all
    -- and a few are on every day after the first.
    select number, company_day
    from people cross join range(91, last_day() + 1) as r(company_day)
    where founding and draw('edited', number, company_day) < 0.003
),

written as (
    select
        people.*,
        state_day,
        format('{}.{}{}', first_name, surname, number)
        || case when draw('plus address', number) < 0.05 then '+product' else '' end as local_part,
        pick(draw('domain', number, state_day), [
            'example.com', 'example.com', 'example.org', 'example.net'
        ]) as domain,
        1 + whole(power(draw('seats', number, state_day), 2), 30) as seats,
        moment(state_day, whole(draw('state minute', number, state_day), 1440)) as updated_at,
        case
            when malformed_email then pick(draw('mistake', number), [
                local_part || '(at)' || domain, local_part || '@', '@' || domain,
                local_part || '@@' || domain, local_part || ' @' || domain, 'n/a', ''
            ])
            when draw('spelling', number, state_day) < 0.80 then lower(local_part) || '@' || domain
            when draw('spelling', number, state_day) < 0.95 then local_part || '@' || domain
            else '  ' || local_part || '@' || domain || ' '
        end as email
    from states inner join people using (number)
),

-- The extract delivers some states twice, the second time in capitals.
deliveries as (
    select *, email as email_delivered from written
    union all
    select *, upper(email) || ' ' from written
    where draw('delivered twice', number, state_day) < 0.02
)

select
    customer_id,
    format('A-{:06d}', account_number) as account_id,
    case blank_name
        when 'first' then pick(draw('blank', number), ['', '   '])
        else first_name
    end as first_name,
    case
        when blank_name = 'last' then pick(draw('blank', number), ['', '   '])
        when draw('name padding', number, state_day) < 0.03 then last_name || ' '
        else last_name
    end as last_name,
    email_delivered as email,
    seats::integer as seats,
    moment(signup_day, 1439) as created_at,
    updated_at
from deliveries;
