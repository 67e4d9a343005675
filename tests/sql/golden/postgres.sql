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
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT ("status" = 'new' OR "status" = 'it''s' OR "status" = 'back\slash' OR "status" = 'größer' OR "status" = '5' OR "status" = 'true') THEN 1 END) AS "a1" FROM "marts"."order";

-- values in a boolean
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT ("paid" = TRUE) THEN 1 END) AS "a1" FROM "marts"."order";

-- values not_in numbers
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN "id" = -1 OR "id" = 7 THEN 1 END) AS "a1" FROM "marts"."order";

-- values in a uuid
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT (CAST("ref" AS TEXT) IN ('00000000-0000-0000-0000-000000000000')) THEN 1 END) AS "a1" FROM "marts"."order";

-- range of a float, from below
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT (NOT ("amount" = CAST('NaN' AS DOUBLE PRECISION)) AND "amount" >= 0) THEN 1 END) AS "a1" FROM "marts"."order";

-- range of a float
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT ("amount" > 0 AND "amount" < 1000000.0) THEN 1 END) AS "a1" FROM "marts"."order";

-- range of a decimal
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT ("price" >= 0.1 AND "price" <= 99.90) THEN 1 END) AS "a1" FROM "marts"."order";

-- range of a date
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT ("day" >= CAST('2026-01-01' AS DATE)) THEN 1 END) AS "a1" FROM "marts"."order";

-- range of a timestamp
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT ("loaded_at" >= CAST('2026-01-01 00:00:00' AS TIMESTAMP) AND "loaded_at" <= CAST('2026-12-31 23:59:59.500000' AS TIMESTAMP)) THEN 1 END) AS "a1" FROM "marts"."order";

-- range of a timestamp with time zone
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT ("event_at" >= CAST('2025-12-31 23:00:00+00:00' AS TIMESTAMPTZ)) THEN 1 END) AS "a1" FROM "marts"."order";

-- pattern
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT ("status" ~ '^[A-Z]{2}[0-9]+$') THEN 1 END) AS "a1" FROM "marts"."order";

-- length
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN NOT (LENGTH("status") >= 1 AND LENGTH("status") <= 20) THEN 1 END) AS "a1" FROM "marts"."order";

-- references
SELECT COUNT(*) AS "a0" FROM "marts"."order";

-- references
SELECT COUNT(*) AS "a0" FROM (SELECT "customer id" AS "k0" FROM "marts"."order" WHERE "customer id" IS NOT NULL) AS "c" WHERE NOT EXISTS(SELECT 1 AS "one" FROM (SELECT "id" AS "k0" FROM "marts"."customers" WHERE "paid" = TRUE) AS "p" WHERE "p"."k0" = "c"."k0");

-- aggregate sum
SELECT COUNT(*) AS "a0", SUM("id") AS "a1" FROM "marts"."order";

-- aggregate avg
SELECT COUNT(*) AS "a0", COUNT("price") AS "a1", SUM("price") AS "a2" FROM "marts"."order";

-- aggregate stddev
SELECT COUNT(*) AS "a0", COUNT("amount") AS "a1", SUM("amount") AS "a2", SUM(CAST("amount" AS DOUBLE PRECISION) * CAST("amount" AS DOUBLE PRECISION)) AS "a3" FROM "marts"."order";

-- aggregate stddev
SELECT SUM((CAST("amount" AS DOUBLE PRECISION) - 1000000.0) * (CAST("amount" AS DOUBLE PRECISION) - 1000000.0)) AS "a0" FROM "marts"."order";

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
SELECT COUNT(*) AS "a0", COUNT("id") AS "a1" FROM "marts"."order" WHERE "loaded_at" > CAST('2026-11-21 07:00:00' AS TIMESTAMP) AND "loaded_at" <= CAST('2026-11-22 07:00:00' AS TIMESTAMP);

-- last day by a timestamp with time zone
SELECT COUNT(*) AS "a0", COUNT("id") AS "a1" FROM "marts"."order" WHERE "event_at" > CAST('2026-11-21 06:00:00+00:00' AS TIMESTAMPTZ) AND "event_at" <= CAST('2026-11-22 06:00:00+00:00' AS TIMESTAMPTZ);

-- last two days by a date
SELECT COUNT(*) AS "a0", COUNT("id") AS "a1" FROM "marts"."order" WHERE "day" > CAST('2026-11-20' AS DATE) AND "day" <= CAST('2026-11-22' AS DATE);

-- yesterday by a timestamp
SELECT COUNT(*) AS "a0", COUNT("id") AS "a1" FROM "marts"."order" WHERE "loaded_at" >= CAST('2026-11-20 23:00:00' AS TIMESTAMP) AND "loaded_at" < CAST('2026-11-21 23:00:00' AS TIMESTAMP);

-- today by a date
SELECT COUNT(*) AS "a0", COUNT("id") AS "a1" FROM "marts"."order" WHERE "day" >= CAST('2026-11-22' AS DATE) AND "day" < CAST('2026-11-23' AS DATE);

-- a slice
SELECT COUNT(*) AS "a0", COUNT("id") AS "a1" FROM "marts"."order" WHERE "event_at" >= CAST('2026-11-19 06:00:00+00:00' AS TIMESTAMPTZ) AND "event_at" < CAST('2026-11-22 06:00:00+00:00' AS TIMESTAMPTZ);

-- as of
SELECT COUNT(*) AS "a0", COUNT("id") AS "a1" FROM "marts"."order" WHERE "loaded_at" <= CAST('2026-11-22 06:00:00' AS TIMESTAMP) OR "loaded_at" IS NULL;

-- where
SELECT COUNT(*) AS "a0", COUNT("id") AS "a1" FROM "marts"."order" WHERE "paid" = FALSE OR "price" IS NULL OR (NOT ("amount" = CAST('NaN' AS DOUBLE PRECISION)) AND "amount" <> 3);

-- where, in the user's own words
SELECT COUNT(*) AS "a0", COUNT("id") AS "a1" FROM "marts"."order" WHERE (status = 'x' -- why
);

-- two populations
SELECT COUNT(CASE WHEN "loaded_at" >= CAST('2026-11-20 23:00:00' AS TIMESTAMP) AND "loaded_at" < CAST('2026-11-21 23:00:00' AS TIMESTAMP) THEN 1 END) AS "a0", COUNT(CASE WHEN ("event_at" >= CAST('2026-11-19 06:00:00+00:00' AS TIMESTAMPTZ) AND "event_at" < CAST('2026-11-22 06:00:00+00:00' AS TIMESTAMPTZ)) AND (NOT ("amount" = CAST('NaN' AS DOUBLE PRECISION)) AND "amount" >= 0) THEN 1 END) AS "a1" FROM "marts"."order" WHERE ("loaded_at" >= CAST('2026-11-20 23:00:00' AS TIMESTAMP) AND "loaded_at" < CAST('2026-11-21 23:00:00' AS TIMESTAMP)) OR ("event_at" >= CAST('2026-11-19 06:00:00+00:00' AS TIMESTAMPTZ) AND "event_at" < CAST('2026-11-22 06:00:00+00:00' AS TIMESTAMPTZ));

-- a population beside the whole table
SELECT COUNT(*) AS "a0", COUNT(CASE WHEN "loaded_at" >= CAST('2026-11-20 23:00:00' AS TIMESTAMP) AND "loaded_at" < CAST('2026-11-21 23:00:00' AS TIMESTAMP) THEN 1 END) AS "a1" FROM "marts"."order";

-- what populations share stands in WHERE
SELECT COUNT(CASE WHEN "paid" = TRUE THEN 1 END) AS "a0", COUNT(*) AS "a1" FROM "marts"."order" WHERE "loaded_at" >= CAST('2026-11-20 23:00:00' AS TIMESTAMP) AND "loaded_at" < CAST('2026-11-21 23:00:00' AS TIMESTAMP);

-- repeats in a window
SELECT COALESCE(SUM("n"), 0) AS "rows", COUNT(*) AS "keys" FROM (SELECT COUNT(*) AS "n" FROM "marts"."order" WHERE "id" IS NOT NULL AND "day" IS NOT NULL AND "loaded_at" >= CAST('2026-11-20 23:00:00' AS TIMESTAMP) AND "loaded_at" < CAST('2026-11-21 23:00:00' AS TIMESTAMP) GROUP BY "id", "day" HAVING COUNT(*) > 1) AS "g";

-- references in a window, by two columns
SELECT COUNT(*) AS "a0" FROM (SELECT "customer id" AS "k0", "day" AS "k1" FROM "marts"."order" WHERE "customer id" IS NOT NULL AND "day" IS NOT NULL AND "loaded_at" >= CAST('2026-11-20 23:00:00' AS TIMESTAMP) AND "loaded_at" < CAST('2026-11-21 23:00:00' AS TIMESTAMP)) AS "c" WHERE NOT EXISTS(SELECT 1 AS "one" FROM (SELECT "id" AS "k0", "day" AS "k1" FROM "marts"."customers" WHERE "paid" = TRUE) AS "p" WHERE "p"."k0" = "c"."k0" AND "p"."k1" = "c"."k1");

-- numbers by what columns hold
SELECT "day" AS "k0", "status" AS "k1", "event_at" AS "k2", CAST("ref" AS TEXT) AS "k3", COUNT(*) AS "a0", SUM("id") AS "a1" FROM "marts"."customers" WHERE "paid" = TRUE GROUP BY "day", "status", "event_at", CAST("ref" AS TEXT);

-- is NaN
SELECT COUNT(CASE WHEN "amount" = CAST('NaN' AS DOUBLE PRECISION) THEN 1 END) AS "a0", COUNT(CASE WHEN "id" < "id" THEN 1 END) AS "a1" FROM "marts"."order";

