-- Every account has its row, and every seat stands with exactly one of them.
select
    (select count(*) from {{ ref('stg_accounts') }}) as accounts,
    (select count(*) from {{ ref('account_health') }}) as accounts_told,
    (select sum(seats) from {{ ref('stg_customers') }}) as seats,
    (select sum(seats) from {{ ref('account_health') }}) as seats_told
where accounts <> accounts_told or seats <> seats_told
