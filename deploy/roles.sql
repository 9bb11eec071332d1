-- Three roles for Yuanmeng's database on PostgreSQL 15 or newer, each with no more than it needs.
-- Run it once as a superuser, and again after anything was added by hand: it can be run any number of times.
--   psql -v database=yuanmeng -f deploy/roles.sql
-- Then give each a password of its own with \password, and put these into the password files of its machines (PGPASSFILE).
--
--   yuanmeng_owner   owns the tables: `yuanmeng init` (migrations), `backup`, `restore`. On no worker's machine.
--   yuanmeng_app     reads and writes rows: workers, `serve`, the command line of coordinators. It can drop, alter and
--                    disable nothing, and neither change nor delete a line of the audit trail or of the ledger.
--   yuanmeng_reader  reads for reports and auditors, but no column that holds a number at rest or a keyed hash of one.
\set ON_ERROR_STOP on
\if :{?database}
\else
  \set database yuanmeng
\endif

SELECT format('CREATE ROLE %I LOGIN', name) FROM unnest(ARRAY['yuanmeng_owner', 'yuanmeng_app', 'yuanmeng_reader']) name
  WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) \gexec
SELECT format('CREATE DATABASE %I OWNER yuanmeng_owner ENCODING ''UTF8'' TEMPLATE template0', :'database')
  WHERE NOT EXISTS (SELECT 1 FROM pg_database WHERE datname = :'database') \gexec
ALTER DATABASE :"database" OWNER TO yuanmeng_owner;
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE :"database" TO yuanmeng_app;  -- temporary tables: the bulk path's
GRANT CONNECT ON DATABASE :"database" TO yuanmeng_reader;

\connect :"database"
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO yuanmeng_owner;
GRANT USAGE ON SCHEMA public TO yuanmeng_app, yuanmeng_reader;

-- What is there, and what later migrations and restores of the owner bring.
SELECT format('ALTER TABLE public.%I OWNER TO yuanmeng_owner', tablename) FROM pg_tables WHERE schemaname = 'public' \gexec
SELECT format('ALTER FUNCTION public.%I() OWNER TO yuanmeng_owner', proname) FROM pg_proc
  WHERE pronamespace = 'public'::regnamespace AND proname = 'refuse_change' \gexec
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO yuanmeng_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO yuanmeng_app;
ALTER DEFAULT PRIVILEGES FOR ROLE yuanmeng_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO yuanmeng_app;
ALTER DEFAULT PRIVILEGES FOR ROLE yuanmeng_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO yuanmeng_app;

-- What the guards refuse, and what nobody but a migration changes. Where there are no tables yet, run this again once
-- `yuanmeng init` has made them: the guards themselves are triggers, and hold meanwhile.
SELECT format('REVOKE UPDATE, DELETE ON public.%I FROM yuanmeng_app', tablename) FROM pg_tables
  WHERE schemaname = 'public' AND tablename IN ('audit_events', 'ledger_lines') \gexec
SELECT 'REVOKE INSERT, UPDATE, DELETE ON public.alembic_version FROM yuanmeng_app' FROM pg_tables
  WHERE schemaname = 'public' AND tablename = 'alembic_version' \gexec

-- The reader: column by column, without numbers at rest (ciphertext) and keyed hashes; so he gets no new table unasked.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM yuanmeng_reader;
SELECT format('GRANT SELECT (%s) ON public.%I TO yuanmeng_reader', string_agg(quote_ident(column_name), ', '), table_name)
  FROM information_schema.columns
  WHERE table_schema = 'public' AND table_name IN (SELECT tablename FROM pg_tables WHERE schemaname = 'public')
    AND (table_name, column_name) NOT IN (
      ('workers', 'resident_id'), ('workers', 'mobile'), ('workers', 'bank_card'),
      ('workers', 'resident_id_hash'), ('workers', 'mobile_hash'), ('workers', 'bank_card_hash'),
      ('nominations', 'payload'), ('nominations', 'resident_id_hash'),
      ('documents', 'value'), ('quarantine', 'payload'), ('outbox', 'payload'))
  GROUP BY table_name \gexec
