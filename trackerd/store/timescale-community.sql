-- Days beyond the usual keeping of exact positions are compressed, device by device; the hourly counts are kept ready.
ALTER TABLE fix SET (
    timescaledb.compress, timescaledb.compress_segmentby = 'device', timescaledb.compress_orderby = 'time'
);
SELECT add_compression_policy('fix', 8 * 86400000000::BIGINT);
DROP VIEW fix_hourly;
CREATE MATERIALIZED VIEW fix_hourly WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE) AS
    SELECT device, time_bucket(3600000000::BIGINT, time) AS hour, count(*) AS fixes, min(time) AS first,
        max(time) AS last
    FROM fix GROUP BY 1, 2 WITH NO DATA;
SELECT add_continuous_aggregate_policy('fix_hourly', start_offset => 5 * 86400000000::BIGINT,
    end_offset => 3600000000::BIGINT, schedule_interval => INTERVAL '1 hour');
