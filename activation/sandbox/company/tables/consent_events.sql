create or replace temp table subscriptions as
select
    people.*,
    purpose,
    channel,
    -- Each purpose and channel draws for itself.
    number * 4 + pair as subscription,
    case
        when draw('consent', subscription) < denied_share then 'denied'
        when draw('consent', subscription) < denied_share + unknown_share then 'unknown'
        else 'granted'
    end as stance,
    case stance when 'granted' then 'denied' else 'granted' end as opposite,
    signup_day + whole(draw('decided', subscription), greatest(1, 91 - signup_day)) as decided_day
from people cross join (
    values
    (0, 'customer_success', 'crm', 0.078, 0.032),
    (1, 'customer_success', 'email', 0.15, 0.05),
    (2, 'marketing', 'email', 0.40, 0.08)
) as pairs(pair, purpose, channel, denied_share, unknown_share)
where not silent;

create or replace table raw.consent_events as
with events as (
    select
        subscription, customer_id, purpose, channel, 'decision' as kind, stance as status,
        decided_day as on_day, 30 as event_minute, decided_day as received_day, 20 as received_minute
    from subscriptions
    union all
    -- A change of mind in the past.
    select
        subscription, customer_id, purpose, channel, 'earlier', opposite,
        signup_day, 60, signup_day, 50
    from subscriptions
    where signup_day < decided_day and draw('earlier', subscription) < 0.10
    union all
    -- Late: decided before the decision above, received after it.
    select
        subscription, customer_id, purpose, channel, 'late', opposite,
        signup_day, 40, decided_day, 10
    from subscriptions
    where signup_day < decided_day and draw('late', subscription) < 0.04
    union all
    -- Contradictory: another system tells the opposite of the very same instant.
    select
        subscription, customer_id, purpose, channel, 'contradiction', opposite,
        decided_day, 30, decided_day, 15
    from subscriptions
    where draw('contradiction', subscription) < 0.005
    union all
    -- On every day after the first some withdraw and some return.
    select
        subscription, customer_id, purpose, channel, format('turn-{}', company_day), opposite,
        company_day, 30, company_day, 20
    from subscriptions cross join range(91, last_day() + 1) as r(company_day)
    where founding
    qualify row_number() over (
        partition by company_day, purpose, channel, opposite
        order by draw('turn', subscription, company_day), subscription
    ) <= greatest(1, case opposite when 'denied' then 0.004 else 0.03 end * count(*) over (
        partition by company_day, purpose, channel, opposite
    ))
)

select
    format('E-{}-{}', subscription, kind) as event_id,
    customer_id,
    purpose,
    channel,
    case kind
        when 'contradiction' then 'support_desk'
        when 'late' then 'crm'
        else pick(draw('system', subscription, on_day), [
            'preference_centre', 'preference_centre', 'crm', 'support_desk'
        ])
    end as system,
    -- Every system has its own words.
    case system
        when 'preference_centre' then status
        when 'crm' then case status when 'granted' then 'Opt-In' when 'denied' then 'Opt-Out' else '' end
        else case status when 'granted' then 'YES' when 'denied' then 'NO ' else '?' end
    end as status,
    moment(on_day, event_minute) as event_at,
    moment(received_day, received_minute) as received_at
from events;
