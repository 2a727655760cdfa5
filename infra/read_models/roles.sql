-- The rights of each role in the read models.  The default privileges apply to tables that a rebuild creates.

REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {engine};
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {relay};
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {projector};
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {http};
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {analyst};

GRANT USAGE ON SCHEMA {schema} TO {projector};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {projector};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {projector};
REVOKE INSERT, UPDATE, DELETE ON {schema}.shape FROM {projector};

GRANT USAGE ON SCHEMA {schema} TO {analyst};
GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {analyst};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {analyst};

GRANT USAGE ON SCHEMA {schema} TO {http};
GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {http};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {http};
