-- Open deals by the day on which they should close, and by segment.
create or replace table marts.pipeline_daily as
select
    opportunities.closes_on,
    accounts.segment,
    count(*) as opportunities,
    sum(opportunities.amount_eur) as amount_eur,
    sum(opportunities.amount_eur * opportunities.probability) as weighted_eur,
    max(opportunities.loaded_at) as loaded_at
from crm.opportunities
join crm.accounts on accounts.account_id = opportunities.account_id
where opportunities.stage in ('qualified', 'proposal', 'negotiation')
group by opportunities.closes_on, accounts.segment
order by opportunities.closes_on, accounts.segment;
