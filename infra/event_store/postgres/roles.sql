-- The rights of each role in the ledger.  Nobody logs in as a role: each login is granted one of them.
--
-- The functions run with the rights of their caller (SECURITY INVOKER), so a role can do only what is granted here,
-- table by table: even a bug in the engine can't change or delete recorded events.  With SECURITY DEFINER the
-- functions would have all rights of the owner, and each change to one would need a security review.  The drawback:
-- the engine could insert events without `commit_batch`, but that breaks the chain of commits, and `jumun verify`
-- detects it.
--
-- The login that runs the upgrade owns the tables and needs no role.

REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {engine};
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {relay};
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {projector};
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {http};
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {analyst};
REVOKE ALL ON SCHEMA {schema} FROM {analyst};
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {schema} FROM PUBLIC;

-- The engine reads all tables but the vault, inserts, and updates or deletes only rows that are not history.
GRANT USAGE ON SCHEMA {schema} TO {engine};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {engine};
GRANT SELECT ON {schema}.ledger, {schema}.stored_events, {schema}.commits, {schema}.inbox, {schema}.messages,
    {schema}.outcomes, {schema}.set_aside, {schema}.parked, {schema}.timers, {schema}.clocks, {schema}.sellers,
    {schema}.snapshots, {schema}.attempts TO {engine};
GRANT INSERT ON {schema}.stored_events, {schema}.commits, {schema}.inbox, {schema}.messages, {schema}.outcomes,
    {schema}.set_aside, {schema}.parked, {schema}.timers, {schema}.clocks, {schema}.sellers, {schema}.snapshots,
    {schema}.attempts, {schema}.vault TO {engine};
GRANT UPDATE ON {schema}.timers, {schema}.clocks, {schema}.sellers, {schema}.snapshots, {schema}.attempts
    TO {engine};
GRANT DELETE ON {schema}.set_aside, {schema}.parked, {schema}.timers, {schema}.snapshots, {schema}.attempts
    TO {engine};

-- The relay publishes the recorded events and outcomes.  The timekeeper, which has the same role, publishes ticks.
-- Neither may read the ledger's secret, because with it the vault's tokens could be computed.
GRANT USAGE ON SCHEMA {schema} TO {relay};
GRANT SELECT ON {schema}.stored_events, {schema}.commits, {schema}.outcomes, {schema}.sellers,
    {schema}.clocks TO {relay};
GRANT SELECT (state) ON {schema}.parked TO {relay};
GRANT SELECT (failed) ON {schema}.timers TO {relay};
GRANT SELECT (id, ledger_id, schema_version) ON {schema}.ledger TO {relay};

-- The projector reads events that its topic does not hold, or no longer holds.
GRANT USAGE ON SCHEMA {schema} TO {projector};
GRANT SELECT ON {schema}.stored_events, {schema}.commits TO {projector};
GRANT SELECT (id, ledger_id, schema_version) ON {schema}.ledger TO {projector};

-- The HTTP server reads outcomes, waiting messages and the events of an order.
GRANT USAGE ON SCHEMA {schema} TO {http};
GRANT SELECT ON {schema}.stored_events, {schema}.commits, {schema}.outcomes, {schema}.parked TO {http};
GRANT SELECT (id, ledger_id, schema_version) ON {schema}.ledger TO {http};
