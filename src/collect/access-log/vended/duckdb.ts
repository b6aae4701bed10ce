/** DuckDB, named by a static export: once bundled, a dynamic import of a CommonJS package has no names. */
export { DuckDBInstance } from '@duckdb/node-api';
