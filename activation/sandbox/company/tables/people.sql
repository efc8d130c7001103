-- Who there is, and what each one is like; the raw tables are told from this.

create or replace temp table people as
with numbered as (
    select
        number::bigint as number,
        -- A two-hundredth of the company joins on each day after the first.
        greatest(1, getvariable('rows') // 200) as joining_each_day
    from range(1, 1 + getvariable('rows')
        + (getvariable('day') - 1) * greatest(1, getvariable('rows') // 200)) as r(number)
)

select
    number,
    number <= getvariable('rows') as founding,
    format('C-{:07d}', number) as customer_id,
    1 + whole(draw('account', number), greatest(1, getvariable('rows') // 5)) as account_number,
    case
        when number > getvariable('rows')
            then 91 + (number - getvariable('rows') - 1) // joining_each_day
        when draw('long-standing', number) < 0.7 then 1
        else 1 + whole(draw('signup', number), 90)
    end as signup_day,
    -- Syllables that make no name in use, and surnames that carry a number.
    pick(draw('first head', number), [
        'Zub', 'Quil', 'Vex', 'Brim', 'Dorv', 'Fenk', 'Jolv', 'Kerv', 'Lomb', 'Murv', 'Nalk',
        'Plev', 'Rusk', 'Sarv', 'Telk', 'Womb', 'Yark', 'Zelk', 'Grav', 'Hulm'
    ]) || pick(draw('first tail', number), [
        'ont', 'arb', 'ix', 'umo', 'edda', 'ovi', 'ashk', 'iln', 'ozu', 'erq', 'uth', 'opp'
    ]) as first_name,
    pick(draw('last', number), [
        'Oakfield', 'Stonemere', 'Brightwater', 'Ashmoor', 'Fernhollow', 'Greyharbour',
        'Larkmeadow', 'Millbrook', 'Northgate', 'Pinecroft', 'Redbarrow', 'Saltmarsh',
        'Thornfield', 'Umberdale', 'Westmarch', 'Yewcombe'
    ]) as surname,
    format('{}-{:04d}', surname, number % 10000) as last_name,
    case
        when draw('blank name', number) < 0.001 then 'first'
        when draw('blank name', number) < 0.002 then 'last'
    end as blank_name,
    draw('malformed', number) < 0.01 as malformed_email,
    -- The share of days with any use; three in a hundred never begin.
    case
        when draw('idle', number) < 0.03 then 0.0
        else 0.03 + 0.19 * draw('pace', number)
    end as pace,
    pick(draw('temper', number), [
        'steady', 'steady', 'steady', 'steady', 'steady', 'steady', 'growing', 'growing',
        'fading', 'fading'
    ]) as temper,
    5 + 95 * power(draw('appetite', number), 2) as usual_events,
    draw('troubled', number) < 0.06 as troubled,
    draw('silent', number) < 0.06 as silent
from numbered;
