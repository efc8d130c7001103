-- What the models take for now, and how to make the same company again.
create or replace table raw.company as
select
    getvariable('day')::integer as day,
    getvariable('as_of')::timestamp as as_of,
    getvariable('seed')::bigint as seed,
    getvariable('rows')::bigint as rows;
