-- Who may do what in the ledger.  The roles belong to no person: each login is granted one of them.
--
-- The functions run with the rights of who calls them (SECURITY INVOKER), so what a role may do is what stands
-- here, table by table, and nothing else: the engine can't change or remove what was recorded even by a bug of
-- its own.  As the owner's (SECURITY DEFINER) they would have all the owner's rights, and each change to one
-- would have to be read for what it opens.  The price: the engine may append past `commit_batch`; that breaks
-- the chain of commits, and `jumun verify` finds it.
--
-- The owner is whoever runs the upgrade, and needs no role: the tables are his.

REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {engine};
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {relay};
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {projector};
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {http};
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {analyst};
REVOKE ALL ON SCHEMA {schema} FROM {analyst};
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {schema} FROM PUBLIC;

-- The engine reads all but the vault, appends, and moves on what is still open.
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

-- The relay tells what was recorded, the timekeeper, with the same role, how late it is.  With the ledger's secret, a token of the vault could be guessed.
GRANT USAGE ON SCHEMA {schema} TO {relay};
GRANT SELECT ON {schema}.stored_events, {schema}.commits, {schema}.outcomes, {schema}.sellers,
    {schema}.clocks TO {relay};
GRANT SELECT (state) ON {schema}.parked TO {relay};
GRANT SELECT (failed) ON {schema}.timers TO {relay};
GRANT SELECT (id, ledger_id, schema_version) ON {schema}.ledger TO {relay};

-- The projector reads what its topic does not tell, or no longer.
GRANT USAGE ON SCHEMA {schema} TO {projector};
GRANT SELECT ON {schema}.stored_events, {schema}.commits TO {projector};
GRANT SELECT (id, ledger_id, schema_version) ON {schema}.ledger TO {projector};

-- Who answers over HTTP says what became of messages, who waits, and an order's story.
GRANT USAGE ON SCHEMA {schema} TO {http};
GRANT SELECT ON {schema}.stored_events, {schema}.commits, {schema}.outcomes, {schema}.parked TO {http};
GRANT SELECT (id, ledger_id, schema_version) ON {schema}.ledger TO {http};
