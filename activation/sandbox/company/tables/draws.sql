-- Randomness without state: the same seed, subject and numbers always draw the same value, so a
-- longer history repeats the shorter one. Plain 32-bit arithmetic, because the engine's own hash()
-- may change from one version to the next.

create or replace temp macro scramble(x, shift, factor) as
    (xor(x, x >> shift) * factor) & 4294967295::ubigint;

create or replace temp macro stir(x) as
    scramble(scramble(x, 16, 2146121005::ubigint), 15, 2221713035::ubigint);

create or replace temp macro mix(x) as
    xor(stir(x), stir(x) >> 16);

create or replace temp macro salt(subject) as
    md5_number_lower(concat(getvariable('seed'), '/', subject)) & 4294967295::ubigint;

-- A number in [0, 1) for a subject, a customer or account number and a company day.
create or replace temp macro draw(subject, number, on_day := 0) as
    mix(
        (
            number::ubigint * 2654435761::ubigint
            + on_day::ubigint * 2246822519::ubigint
            + salt(subject)
        ) & 4294967295::ubigint
    ) / 4294967296.0;

create or replace temp macro whole(drawn, choices) as
    floor(drawn * choices)::bigint;

create or replace temp macro pick(drawn, choices) as
    choices[1 + whole(drawn, len(choices))];

-- Company day 90 is the demo's day 1; the last company day ends now.
create or replace temp macro last_day() as
    89 + getvariable('day');

-- The moment that lies so many minutes before the end of a company day.
create or replace temp macro moment(company_day, minutes_before_end) as
    getvariable('as_of')
    - to_days((last_day() - company_day)::integer)
    - to_minutes(minutes_before_end::bigint);
