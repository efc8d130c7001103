create or replace table raw.accounts as
select
    format('A-{:06d}', number) as account_id,
    pick(draw('account head', number), [
        'Velmor', 'Tarvex', 'Quorin', 'Brastel', 'Dunvik', 'Felnor', 'Grimzel', 'Hovark'
    ]) || pick(draw('account tail', number), ['a', 'on', 'ix', 'um', 'ek'])
    || pick(draw('account form', number), [' Works ', ' Group ', ' Labs ', ' Supply '])
    || format('{:05d}', number)
    -- Typed by hand: some names end in white space.
    || case when draw('account padding', number) < 0.05 then '  ' else '' end as account_name,
    pick(draw('plan', number), [
        'starter', 'Starter', 'starter', 'team', 'team', 'Team', 'team', 'business', 'BUSINESS'
    ]) as plan,
    (
        case lower(plan) when 'starter' then 9 when 'team' then 19 else 39 end
        * (1 - 0.05 * whole(draw('discount', number), 5))
    )::decimal(12, 2) as seat_price,
    moment(1, 1440 * (1 + whole(draw('account age', number), 900))) as created_at
from range(1, 1 + greatest(1, getvariable('rows') // 5)) as r(number);
