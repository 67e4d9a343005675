-- Revenue by business day: what was captured, less what was given back.
-- loaded_at is that of the files, not of this run: a table is as new as what it was made of.
create or replace table marts.revenue_daily as
with captured as (
    select
        paid_on as day,
        count(*) as payments,
        sum(amount_eur) as gross_eur,
        sum(fee_eur) as fees_eur,
        max(loaded_at) as loaded_at
    from psp.payments
    where status = 'captured'
    group by paid_on
),

given_back as (
    select refunded_on as day, sum(amount_eur) as refunds_eur
    from psp.refunds
    group by refunded_on
)

select
    captured.day,
    captured.payments,
    batches.announced_payments,
    captured.gross_eur,
    captured.fees_eur,
    coalesce(given_back.refunds_eur, 0) as refunds_eur,
    captured.gross_eur - captured.fees_eur - coalesce(given_back.refunds_eur, 0) as net_eur,
    captured.loaded_at
from captured
left join psp.batches on batches.business_day = captured.day
left join given_back on given_back.day = captured.day
order by captured.day;
