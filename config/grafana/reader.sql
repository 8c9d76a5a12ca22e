-- A role for dashboards: it reads what was owed, what became of it and when somebody was in a zone. It reads no
-- position, no device and no warden. Run it in trackerd's database as its owner, once; then give it a password:
--   psql DATABASE -f reader.sql && psql DATABASE -c '\password trackerd_dashboards'
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'trackerd_dashboards') THEN
        CREATE ROLE trackerd_dashboards LOGIN CONNECTION LIMIT 10;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO trackerd_dashboards', current_schema());
END $$;
ALTER ROLE trackerd_dashboards SET default_transaction_read_only = on;
ALTER ROLE trackerd_dashboards SET statement_timeout = '30s';
GRANT SELECT (id, requirement, zone, start, "end", outcome, closed) ON verdict TO trackerd_dashboards;
GRANT SELECT (id, zone, team, began, ended, seconds, seconds_possible) ON visit TO trackerd_dashboards;
GRANT SELECT (id, type, time, zone, retracted) ON event TO trackerd_dashboards;
GRANT SELECT (hour, fixes) ON fix_hourly TO trackerd_dashboards;
