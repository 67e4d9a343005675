-- freshness by two clocks
SELECT COUNT_BIG(*) AS [a0], MAX([loaded_at]) AS [a1], CONVERT(VARCHAR(33), MAX([event_at]), 127) AS [a2] FROM [marts].[order];

-- volume
SELECT COUNT_BIG(*) AS [a0] FROM [marts].[order];

-- nulls
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG([customer id]) AS [a1] FROM [marts].[order];

-- unique
SELECT COUNT_BIG(*) AS [a0] FROM [marts].[order];

-- unique
SELECT COALESCE(SUM([n]), 0) AS [rows], COUNT_BIG(*) AS [keys] FROM (SELECT COUNT_BIG(*) AS [n] FROM [marts].[order] WHERE [id] IS NOT NULL GROUP BY [id] HAVING COUNT_BIG(*) > 1) AS [g];

-- unique, composite
SELECT COUNT_BIG(*) AS [a0] FROM [marts].[order];

-- unique, composite
SELECT COALESCE(SUM([n]), 0) AS [rows], COUNT_BIG(*) AS [keys] FROM (SELECT COUNT_BIG(*) AS [n] FROM [marts].[order] WHERE [customer id] IS NOT NULL AND [day] IS NOT NULL GROUP BY [customer id], [day] HAVING COUNT_BIG(*) > 1) AS [g];

-- primary_key
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG(CASE WHEN [id] IS NULL OR [day] IS NULL THEN 1 END) AS [a1] FROM [marts].[order];

-- primary_key
SELECT COALESCE(SUM([n]), 0) AS [rows], COUNT_BIG(*) AS [keys] FROM (SELECT COUNT_BIG(*) AS [n] FROM [marts].[order] WHERE [id] IS NOT NULL AND [day] IS NOT NULL GROUP BY [id], [day] HAVING COUNT_BIG(*) > 1) AS [g];

-- values in
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG(CASE WHEN NOT ([status] IN ('new', 'it''s', 'back\slash', N'größer', '5', 'true')) THEN 1 END) AS [a1] FROM [marts].[order];

-- values in a boolean
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG(CASE WHEN NOT ([paid] IN (1)) THEN 1 END) AS [a1] FROM [marts].[order];

-- values not_in numbers
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG(CASE WHEN [id] IN (-1, 7) THEN 1 END) AS [a1] FROM [marts].[order];

-- values in a uuid
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG(CASE WHEN NOT (CAST([ref] AS NVARCHAR(MAX)) IN ('00000000-0000-0000-0000-000000000000')) THEN 1 END) AS [a1] FROM [marts].[order];

-- range of a float, from below
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG(CASE WHEN NOT ([amount] >= 0) THEN 1 END) AS [a1] FROM [marts].[order];

-- range of a float
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG(CASE WHEN NOT ([amount] > 0 AND [amount] < 1000000.0) THEN 1 END) AS [a1] FROM [marts].[order];

-- range of a decimal
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG(CASE WHEN NOT ([price] >= 0.1 AND [price] <= 99.90) THEN 1 END) AS [a1] FROM [marts].[order];

-- range of a date
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG(CASE WHEN NOT ([day] >= CAST('2026-01-01' AS DATE)) THEN 1 END) AS [a1] FROM [marts].[order];

-- range of a timestamp
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG(CASE WHEN NOT ([loaded_at] >= CAST('2026-01-01T00:00:00' AS DATETIME2) AND [loaded_at] <= CAST('2026-12-31T23:59:59.500000' AS DATETIME2)) THEN 1 END) AS [a1] FROM [marts].[order];

-- range of a timestamp with time zone
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG(CASE WHEN NOT ([event_at] >= CAST('2025-12-31T23:00:00+00:00' AS DATETIMEOFFSET)) THEN 1 END) AS [a1] FROM [marts].[order];

-- pattern
-- tsql can't match patterns; write a `rows` rule in its own words;

-- length
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG(CASE WHEN NOT (LEN([status] + 'x') - 1 >= 1 AND LEN([status] + 'x') - 1 <= 20) THEN 1 END) AS [a1] FROM [marts].[order];

-- references
SELECT COUNT_BIG(*) AS [a0] FROM [marts].[order];

-- references
SELECT COUNT_BIG(*) AS [a0] FROM (SELECT [customer id] AS [k0] FROM [marts].[order] WHERE [customer id] IS NOT NULL) AS [c] WHERE NOT EXISTS(SELECT 1 AS [one] FROM (SELECT [id] AS [k0] FROM [marts].[customers] WHERE [paid] = 1) AS [p] WHERE [p].[k0] = [c].[k0]);

-- aggregate sum
SELECT COUNT_BIG(*) AS [a0], SUM(CAST([id] AS NUMERIC(38, 0))) AS [a1] FROM [marts].[order];

-- aggregate avg
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG([price]) AS [a1], SUM([price]) AS [a2] FROM [marts].[order];

-- aggregate stddev
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG([amount]) AS [a1], SUM([amount]) AS [a2], SUM(CAST([amount] AS FLOAT) * CAST([amount] AS FLOAT)) AS [a3] FROM [marts].[order];

-- aggregate stddev
SELECT SUM((CAST([amount] AS FLOAT) - 1000000.0) * (CAST([amount] AS FLOAT) - 1000000.0)) AS [a0] FROM [marts].[order];

-- aggregate max
SELECT COUNT_BIG(*) AS [a0], MAX([price]) AS [a1] FROM [marts].[order];

-- sql
select max(a) from t;

-- rows
SELECT COUNT_BIG(*) AS [a0] FROM [marts].[order];

-- rows
WITH a AS (SELECT 1 AS x) SELECT COUNT_BIG(*) AS [a0] FROM (SELECT x FROM a) AS [q];

-- last day by a timestamp, naive in Berlin
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG([id]) AS [a1] FROM [marts].[order] WHERE [loaded_at] > CAST('2026-11-21T07:00:00' AS DATETIME2) AND [loaded_at] <= CAST('2026-11-22T07:00:00' AS DATETIME2);

-- last day by a timestamp with time zone
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG([id]) AS [a1] FROM [marts].[order] WHERE [event_at] > CAST('2026-11-21T06:00:00+00:00' AS DATETIMEOFFSET) AND [event_at] <= CAST('2026-11-22T06:00:00+00:00' AS DATETIMEOFFSET);

-- last two days by a date
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG([id]) AS [a1] FROM [marts].[order] WHERE [day] > CAST('2026-11-20' AS DATE) AND [day] <= CAST('2026-11-22' AS DATE);

-- yesterday by a timestamp
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG([id]) AS [a1] FROM [marts].[order] WHERE [loaded_at] >= CAST('2026-11-20T23:00:00' AS DATETIME2) AND [loaded_at] < CAST('2026-11-21T23:00:00' AS DATETIME2);

-- today by a date
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG([id]) AS [a1] FROM [marts].[order] WHERE [day] >= CAST('2026-11-22' AS DATE) AND [day] < CAST('2026-11-23' AS DATE);

-- a slice
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG([id]) AS [a1] FROM [marts].[order] WHERE [event_at] >= CAST('2026-11-19T06:00:00+00:00' AS DATETIMEOFFSET) AND [event_at] < CAST('2026-11-22T06:00:00+00:00' AS DATETIMEOFFSET);

-- as of
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG([id]) AS [a1] FROM [marts].[order] WHERE [loaded_at] <= CAST('2026-11-22T06:00:00' AS DATETIME2) OR [loaded_at] IS NULL;

-- where
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG([id]) AS [a1] FROM [marts].[order] WHERE [paid] = 0 OR [price] IS NULL OR [amount] <> 3;

-- where, in the user's own words
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG([id]) AS [a1] FROM [marts].[order] WHERE (status = 'x' -- why
);

-- two populations
SELECT COUNT_BIG(CASE WHEN [loaded_at] >= CAST('2026-11-20T23:00:00' AS DATETIME2) AND [loaded_at] < CAST('2026-11-21T23:00:00' AS DATETIME2) THEN 1 END) AS [a0], COUNT_BIG(CASE WHEN ([event_at] >= CAST('2026-11-19T06:00:00+00:00' AS DATETIMEOFFSET) AND [event_at] < CAST('2026-11-22T06:00:00+00:00' AS DATETIMEOFFSET)) AND [amount] >= 0 THEN 1 END) AS [a1] FROM [marts].[order] WHERE ([loaded_at] >= CAST('2026-11-20T23:00:00' AS DATETIME2) AND [loaded_at] < CAST('2026-11-21T23:00:00' AS DATETIME2)) OR ([event_at] >= CAST('2026-11-19T06:00:00+00:00' AS DATETIMEOFFSET) AND [event_at] < CAST('2026-11-22T06:00:00+00:00' AS DATETIMEOFFSET));

-- a population beside the whole table
SELECT COUNT_BIG(*) AS [a0], COUNT_BIG(CASE WHEN [loaded_at] >= CAST('2026-11-20T23:00:00' AS DATETIME2) AND [loaded_at] < CAST('2026-11-21T23:00:00' AS DATETIME2) THEN 1 END) AS [a1] FROM [marts].[order];

-- what populations share stands in WHERE
SELECT COUNT_BIG(CASE WHEN [paid] = 1 THEN 1 END) AS [a0], COUNT_BIG(*) AS [a1] FROM [marts].[order] WHERE [loaded_at] >= CAST('2026-11-20T23:00:00' AS DATETIME2) AND [loaded_at] < CAST('2026-11-21T23:00:00' AS DATETIME2);

-- repeats in a window
SELECT COALESCE(SUM([n]), 0) AS [rows], COUNT_BIG(*) AS [keys] FROM (SELECT COUNT_BIG(*) AS [n] FROM [marts].[order] WHERE [id] IS NOT NULL AND [day] IS NOT NULL AND [loaded_at] >= CAST('2026-11-20T23:00:00' AS DATETIME2) AND [loaded_at] < CAST('2026-11-21T23:00:00' AS DATETIME2) GROUP BY [id], [day] HAVING COUNT_BIG(*) > 1) AS [g];

-- references in a window, by two columns
SELECT COUNT_BIG(*) AS [a0] FROM (SELECT [customer id] AS [k0], [day] AS [k1] FROM [marts].[order] WHERE [customer id] IS NOT NULL AND [day] IS NOT NULL AND [loaded_at] >= CAST('2026-11-20T23:00:00' AS DATETIME2) AND [loaded_at] < CAST('2026-11-21T23:00:00' AS DATETIME2)) AS [c] WHERE NOT EXISTS(SELECT 1 AS [one] FROM (SELECT [id] AS [k0], [day] AS [k1] FROM [marts].[customers] WHERE [paid] = 1) AS [p] WHERE [p].[k0] = [c].[k0] AND [p].[k1] = [c].[k1]);

-- numbers by what columns hold
SELECT [day] AS [k0], [status] AS [k1], CONVERT(VARCHAR(33), [event_at], 127) AS [k2], CAST([ref] AS NVARCHAR(MAX)) AS [k3], COUNT_BIG(*) AS [a0], SUM(CAST([id] AS NUMERIC(38, 0))) AS [a1] FROM [marts].[customers] WHERE [paid] = 1 GROUP BY [day], [status], CONVERT(VARCHAR(33), [event_at], 127), CAST([ref] AS NVARCHAR(MAX));

-- is NaN
SELECT COUNT_BIG(CASE WHEN [amount] < [amount] THEN 1 END) AS [a0], COUNT_BIG(CASE WHEN [id] < [id] THEN 1 END) AS [a1] FROM [marts].[order];

