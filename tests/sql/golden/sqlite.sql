-- freshness by two clocks
SELECT COUNT(*) AS "a0", MAX("loaded_at") AS "a1", MAX("event_at") AS "a2" FROM "marts"."order";

-- volume
SELECT COUNT(*) AS "a0" FROM "marts"."order";

-- nulls
SELECT COUNT(*) AS "a0", COUNT("customer id") AS "a1" FROM "marts"."order";

-- unique
SELECT COUNT(*) AS "a0" FROM "marts"."order";

-- unique
SELECT COALESCE(SUM("n"), 0) AS "rows", COUNT(*) AS "keys" FROM (SELECT COUNT(*) AS "n" FROM "marts"."order" WHERE "id" IS NOT NULL GROUP BY "id" HAVING COUNT(*) > 1) AS "g";

-- unique, composite
SELECT COUNT(*) AS "a0" FROM "marts"."order";

-- unique, composite
SELECT COALESCE(SUM("n"), 0) AS "rows", COUNT(*) AS "keys" FROM (SELECT COUNT(*) AS "n" FROM "marts"."order" WHERE "customer id" IS NOT NULL AND "day" IS NOT NULL GROUP BY "customer id", "day" HAVING COUNT(*) > 1) AS "g";

-- primary_key
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN "id" IS NULL OR "day" IS NULL THEN 1 END) AS "a1" FROM "marts"."order";

-- primary_key
SELECT COALESCE(SUM("n"), 0) AS "rows", COUNT(*) AS "keys" FROM (SELECT COUNT(*) AS "n" FROM "marts"."order" WHERE "id" IS NOT NULL AND "day" IS NOT NULL GROUP BY "id", "day" HAVING COUNT(*) > 1) AS "g";

-- values in
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT ("status" IN ('new', 'it''s', 'back\slash', 'größer', '5', 'true')) THEN 1 END) AS "a1" FROM "marts"."order";

-- values in a boolean
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT ("paid" IN (1)) THEN 1 END) AS "a1" FROM "marts"."order";

-- values not_in numbers
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN "id" IN (-1, 7) THEN 1 END) AS "a1" FROM "marts"."order";

-- values in a uuid
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT ("ref" IN ('00000000-0000-0000-0000-000000000000')) THEN 1 END) AS "a1" FROM "marts"."order";

-- range of a float, from below
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT (NOT (TYPEOF("amount") IN ('text', 'blob')) AND "amount" >= 0) THEN 1 END) AS "a1" FROM "marts"."order";

-- range of a float
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT ("amount" > 0 AND "amount" < 1000000.0) THEN 1 END) AS "a1" FROM "marts"."order";

-- range of a decimal
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT ("price" >= 0.1 AND "price" <= 99.90) THEN 1 END) AS "a1" FROM "marts"."order";

-- range of a date
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT (COALESCE(DATE("day"), "day") >= '2026-01-01') THEN 1 END) AS "a1" FROM "marts"."order";

-- range of a timestamp
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT (COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "loaded_at"), "loaded_at") >= '2026-01-01 00:00:00.000' AND COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "loaded_at"), "loaded_at") <= '2026-12-31 23:59:59.500') THEN 1 END) AS "a1" FROM "marts"."order";

-- range of a timestamp with time zone
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT (COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "event_at"), "event_at") >= '2025-12-31 23:00:00.000') THEN 1 END) AS "a1" FROM "marts"."order";

-- pattern
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT ("status" REGEXP '^[A-Z]{2}[0-9]+$') THEN 1 END) AS "a1" FROM "marts"."order";

-- length
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT (LENGTH("status") >= 1 AND LENGTH("status") <= 20) THEN 1 END) AS "a1" FROM "marts"."order";

-- references
SELECT COUNT(*) AS "a0" FROM "marts"."order";

-- references
SELECT COUNT(*) AS "a0" FROM (SELECT "customer id" AS "k0" FROM "marts"."order" WHERE "customer id" IS NOT NULL) AS "c" WHERE NOT EXISTS(SELECT 1 AS "one" FROM (SELECT "id" AS "k0" FROM "marts"."customers" WHERE "paid" = 1) AS "p" WHERE "p"."k0" = "c"."k0");

-- aggregate sum
SELECT COUNT(*) AS "a0", CASE WHEN COUNT(CASE WHEN TYPEOF("id") IN ('text', 'blob') THEN 1 END) > 0 THEN 'a text' ELSE SUM("id") END AS "a1" FROM "marts"."order";

-- aggregate avg
SELECT COUNT(*) AS "a0", COUNT("price") AS "a1", CASE WHEN COUNT(CASE WHEN TYPEOF("price") IN ('text', 'blob') THEN 1 END) > 0 THEN 'a text' ELSE SUM("price") END AS "a2" FROM "marts"."order";

-- aggregate stddev
SELECT COUNT(*) AS "a0", COUNT("amount") AS "a1", CASE WHEN COUNT(CASE WHEN TYPEOF("amount") IN ('text', 'blob') THEN 1 END) > 0 THEN 'a text' ELSE SUM("amount") END AS "a2", SUM(CAST("amount" AS REAL) * CAST("amount" AS REAL)) AS "a3" FROM "marts"."order";

-- aggregate stddev
SELECT SUM((CAST("amount" AS REAL) - 1000000.0) * (CAST("amount" AS REAL) - 1000000.0)) AS "a0" FROM "marts"."order";

-- aggregate max
SELECT COUNT(*) AS "a0", MAX("price") AS "a1" FROM "marts"."order";

-- sql
select max(a) from t;

-- rows
SELECT COUNT(*) AS "a0" FROM "marts"."order";

-- rows
SELECT COUNT(*) AS "a0" FROM (
with a as (select 1 as x) select x from a order by x
) AS "q";

-- last day by a timestamp, naive in Berlin
SELECT COUNT(*) AS "a0", COUNT("id") AS "a1" FROM "marts"."order" WHERE COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "loaded_at"), "loaded_at") > CASE WHEN "loaded_at" GLOB '*Z' OR "loaded_at" GLOB '*[+-]??:??' THEN '2026-11-21 06:00:00.000' ELSE '2026-11-21 07:00:00.000' END AND COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "loaded_at"), "loaded_at") <= CASE WHEN "loaded_at" GLOB '*Z' OR "loaded_at" GLOB '*[+-]??:??' THEN '2026-11-22 06:00:00.000' ELSE '2026-11-22 07:00:00.000' END;

-- last day by a timestamp with time zone
SELECT COUNT(*) AS "a0", COUNT("id") AS "a1" FROM "marts"."order" WHERE COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "event_at"), "event_at") > '2026-11-21 06:00:00.000' AND COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "event_at"), "event_at") <= '2026-11-22 06:00:00.000';

-- last two days by a date
SELECT COUNT(*) AS "a0", COUNT("id") AS "a1" FROM "marts"."order" WHERE COALESCE(DATE("day"), "day") > '2026-11-20' AND COALESCE(DATE("day"), "day") <= '2026-11-22';

-- yesterday by a timestamp
SELECT COUNT(*) AS "a0", COUNT("id") AS "a1" FROM "marts"."order" WHERE COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "loaded_at"), "loaded_at") >= '2026-11-20 23:00:00.000' AND COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "loaded_at"), "loaded_at") < '2026-11-21 23:00:00.000';

-- today by a date
SELECT COUNT(*) AS "a0", COUNT("id") AS "a1" FROM "marts"."order" WHERE COALESCE(DATE("day"), "day") >= '2026-11-22' AND COALESCE(DATE("day"), "day") < '2026-11-23';

-- a slice
SELECT COUNT(*) AS "a0", COUNT("id") AS "a1" FROM "marts"."order" WHERE COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "event_at"), "event_at") >= '2026-11-19 06:00:00.000' AND COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "event_at"), "event_at") < '2026-11-22 06:00:00.000';

-- as of
SELECT COUNT(*) AS "a0", COUNT("id") AS "a1" FROM "marts"."order" WHERE COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "loaded_at"), "loaded_at") <= '2026-11-22 06:00:00.000' OR "loaded_at" IS NULL;

-- where
SELECT COUNT(*) AS "a0", COUNT("id") AS "a1" FROM "marts"."order" WHERE "paid" = 0 OR "price" IS NULL OR (NOT (TYPEOF("amount") IN ('text', 'blob')) AND "amount" <> 3);

-- where, in the user's own words
SELECT COUNT(*) AS "a0", COUNT("id") AS "a1" FROM "marts"."order" WHERE (status = 'x' -- why
);

-- two populations
SELECT COUNT(CASE WHEN COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "loaded_at"), "loaded_at") >= '2026-11-20 23:00:00.000' AND COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "loaded_at"), "loaded_at") < '2026-11-21 23:00:00.000' THEN 1 END) AS "a0", COUNT(CASE WHEN (COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "event_at"), "event_at") >= '2026-11-19 06:00:00.000' AND COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "event_at"), "event_at") < '2026-11-22 06:00:00.000') AND (NOT (TYPEOF("amount") IN ('text', 'blob')) AND "amount" >= 0) THEN 1 END) AS "a1" FROM "marts"."order" WHERE (COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "loaded_at"), "loaded_at") >= '2026-11-20 23:00:00.000' AND COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "loaded_at"), "loaded_at") < '2026-11-21 23:00:00.000') OR (COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "event_at"), "event_at") >= '2026-11-19 06:00:00.000' AND COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "event_at"), "event_at") < '2026-11-22 06:00:00.000');

-- a population beside the whole table
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "loaded_at"), "loaded_at") >= '2026-11-20 23:00:00.000' AND COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "loaded_at"), "loaded_at") < '2026-11-21 23:00:00.000' THEN 1 END) AS "a1" FROM "marts"."order";

-- what populations share stands in WHERE
SELECT COUNT(CASE WHEN "paid" = 1 THEN 1 END) AS "a0", COUNT(*) AS "a1" FROM "marts"."order" WHERE COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "loaded_at"), "loaded_at") >= '2026-11-20 23:00:00.000' AND COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "loaded_at"), "loaded_at") < '2026-11-21 23:00:00.000';

-- repeats in a window
SELECT COALESCE(SUM("n"), 0) AS "rows", COUNT(*) AS "keys" FROM (SELECT COUNT(*) AS "n" FROM "marts"."order" WHERE "id" IS NOT NULL AND "day" IS NOT NULL AND COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "loaded_at"), "loaded_at") >= '2026-11-20 23:00:00.000' AND COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "loaded_at"), "loaded_at") < '2026-11-21 23:00:00.000' GROUP BY "id", "day" HAVING COUNT(*) > 1) AS "g";

-- references in a window, by two columns
SELECT COUNT(*) AS "a0" FROM (SELECT "customer id" AS "k0", "day" AS "k1" FROM "marts"."order" WHERE "customer id" IS NOT NULL AND "day" IS NOT NULL AND COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "loaded_at"), "loaded_at") >= '2026-11-20 23:00:00.000' AND COALESCE(STRFTIME('%Y-%m-%d %H:%M:%f', "loaded_at"), "loaded_at") < '2026-11-21 23:00:00.000') AS "c" WHERE NOT EXISTS(SELECT 1 AS "one" FROM (SELECT "id" AS "k0", "day" AS "k1" FROM "marts"."customers" WHERE "paid" = 1) AS "p" WHERE "p"."k0" = "c"."k0" AND "p"."k1" = "c"."k1");

-- numbers by what columns hold
SELECT "day" AS "k0", "status" AS "k1", "event_at" AS "k2", CAST("ref" AS TEXT) AS "k3", COUNT(*) AS "a0", CASE WHEN COUNT(CASE WHEN TYPEOF("id") IN ('text', 'blob') THEN 1 END) > 0 THEN 'a text' ELSE SUM("id") END AS "a1" FROM "marts"."customers" WHERE "paid" = 1 GROUP BY "day", "status", "event_at", CAST("ref" AS TEXT);

-- is NaN
SELECT COUNT(CASE WHEN "amount" < "amount" THEN 1 END) AS "a0", COUNT(CASE WHEN "id" < "id" THEN 1 END) AS "a1" FROM "marts"."order";

