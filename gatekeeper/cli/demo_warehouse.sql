-- The example's warehouse on a good morning: half a year of a shop that takes some 550 payments a day.
-- Set before: the variable `morning`, the moment (with time zone) at which the gate is asked.
-- Nothing is random: every value is a hash of its number, so that each run builds the same rows.
set timezone = 'Europe/Berlin';

create or replace macro share(number, salt) as (hash(number, salt) % 1000003) / 1000003.0;

create schema psp;
create schema crm;
create schema treasury;
create schema marts;

-- 183 business days up to yesterday; more is bought at weekends. The file of a day comes at 04:45 on the next.
create temp table days as
with calendar as (
    select
        number,
        cast(cast(getvariable('morning') as date) - cast(183 - number as integer) as date) as day
    from range(183) as numbers(number)
),

running as (
    select
        number,
        day,
        sum(case isodow(day) when 5 then 1.1 when 6 then 1.35 when 7 then 1.2 else 0.9 end + share(number, 'day') * 0.1)
            over (order by number) as weight
    from calendar
)

select
    number,
    day,
    cast(floor(100000 * (weight / max(weight) over ())) as integer) as until,
    cast(cast(day + 1 as timestamp) + interval '4 hours 45 minutes' as timestamptz) as loaded_at
from running;

create table psp.payments as
with numbered as (
    select
        number,
        (select min(days.number) from days where days.until > numbers.number) as day_number
    from range(100000) as numbers(number)
)

select
    format('pay_{:08d}', numbered.number + 1) as payment_id,
    strftime(days.day, 'PSP-%Y%m%d') as batch_id,
    cast(1000 + floor(8000 * power(share(numbered.number, 'customer'), 2)) as integer) as customer_id,
    list_extract(
        ['card', 'card', 'card', 'card', 'card', 'paypal', 'paypal', 'sepa', 'sepa', 'invoice'],
        cast(1 + floor(10 * share(numbered.number, 'method')) as integer)
    ) as method,
    case
        when share(numbered.number, 'status') < 0.96 then 'captured'
        when share(numbered.number, 'status') < 0.995 then 'failed'
        else 'chargeback'
    end as status,
    list_extract(
        ['DE', 'DE', 'DE', 'DE', 'DE', 'DE', 'AT', 'AT', 'CH', 'NL'],
        cast(1 + floor(10 * share(numbered.number, 'country')) as integer)
    ) as country,
    cast(4 + 15 * power(share(numbered.number, 'amount') + 0.000001, -0.4) + 60 * share(numbered.number, 'basket') as decimal(12, 2))
        as amount_eur,
    cast(0.25 + 0.3 * share(numbered.number, 'fee') as decimal(12, 2)) as fee_eur,
    days.day as paid_on,
    cast(
        cast(days.day as timestamp) + to_seconds(cast(25200 + 57600 * share(numbered.number, 'time') as integer))
        as timestamptz
    ) as paid_at,
    days.loaded_at
from numbered
join days on days.number = numbered.day_number
order by numbered.number;

create table psp.refunds as
select
    replace(payments.payment_id, 'pay_', 'ref_') as refund_id,
    payments.payment_id,
    cast(payments.amount_eur * 0.5 as decimal(12, 2)) as amount_eur,
    back.day as refunded_on,
    back.loaded_at
from psp.payments
join days as paid on paid.day = payments.paid_on
join days as back on back.number = paid.number + 1 + cast(floor(13 * share(payments.payment_id, 'wait')) as integer)
where payments.status = 'captured' and share(payments.payment_id, 'refund') < 0.03
order by refund_id;

create table psp.batches as
select
    strftime(days.day, 'PSP-%Y%m%d') as batch_id,
    days.day as business_day,
    (select count(*) from psp.payments where payments.paid_on = days.day) as announced_payments,
    days.loaded_at
from days
order by batch_id;

create table crm.accounts as
select
    format('ACC-{:05d}', number + 1) as account_id,
    format('Customer {:05d}', number + 1) as name,
    case
        when share(number, 'segment') < 0.1 then 'enterprise'
        when share(number, 'segment') < 0.4 then 'mid-market'
        else 'small'
    end as segment,
    list_extract(['DE', 'DE', 'DE', 'AT', 'CH', 'NL'], cast(1 + floor(6 * share(number, 'land')) as integer)) as country,
    case when share(number, 'email') > 0.02 then format('billing@customer-{:05d}.example', number + 1) end
        as billing_email,
    cast(cast(cast(getvariable('morning') as date) as timestamp) + interval '5 hours 10 minutes' as timestamptz)
        as loaded_at
from range(2400) as numbers(number)
order by number;

create table crm.opportunities as
with staged as (
    select
        number,
        list_extract(
            ['qualified', 'qualified', 'proposal', 'proposal', 'negotiation', 'won', 'won', 'lost', 'lost', 'lost'],
            cast(1 + floor(10 * share(number, 'stage')) as integer)
        ) as stage
    from range(9000) as numbers(number)
)

select
    format('OPP-{:06d}', number + 1) as opportunity_id,
    format('ACC-{:05d}', cast(1 + floor(2400 * power(share(number, 'account'), 1.5)) as integer)) as account_id,
    stage,
    cast(800 + 6000 * power(share(number, 'deal') + 0.000001, -0.5) as decimal(12, 2)) as amount_eur,
    cast(
        case stage when 'won' then 1 when 'lost' then 0 when 'negotiation' then 0.7 when 'proposal' then 0.4 else 0.15 end
        as decimal(3, 2)
    ) as probability,
    cast(getvariable('morning') as date)
    + cast(floor(case when stage in ('won', 'lost') then -120 else 90 end * share(number, 'close')) as integer)
        as closes_on,
    cast(cast(cast(getvariable('morning') as date) as timestamp) + interval '5 hours 10 minutes' as timestamptz)
        as loaded_at
from staged
order by number;

-- What a euro is worth. No contract describes it, and nothing of the example reads it, until the last night.
create table treasury.currency_rates as
select
    cast(cast(getvariable('morning') as date) - cast(number as integer) as date) as day,
    cast(1.05 + 0.1 * share(number, 'rate') as decimal(8, 4)) as usd_per_eur
from range(183) as numbers(number)
order by day;
