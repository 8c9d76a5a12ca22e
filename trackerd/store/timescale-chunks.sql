-- A chunk a day. Not split by device besides: a town has tens of trackers and one disk, so more chunks would only cost.
CREATE FUNCTION trackerd_now() RETURNS BIGINT LANGUAGE SQL STABLE AS $$
    SELECT (extract(epoch FROM now()) * 1000000)::BIGINT
$$;
SELECT create_hypertable('fix', by_range('time', 86400000000::BIGINT), migrate_data => TRUE);
SELECT set_integer_now_func('fix', 'trackerd_now');
