/** Lines of an access log in the forms of vended deliveries. */
import { readFileSync, writeFileSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';
import { parseLine } from '../../../src/collect/access-log/entry.ts';
import { VENDED_FIELDS } from '../../../src/collect/access-log/vended/record-line.ts';
import { temporaryFolder } from '../incident/folder.ts';

type Field = (typeof VENDED_FIELDS)[number];

const NUMBERS: ReadonlySet<string> = new Set<Field>([
  'request_processing_time',
  'target_processing_time',
  'response_processing_time',
  'received_bytes',
  'sent_bytes',
]);

/** The values of a line, a quote as itself. Throws for what is no entry. */
export function valuesOf(line: string): string[] {
  const parsed = parseLine(line);
  if ('rejected' in parsed) throw new Error(parsed.rejected);
  const { entry } = parsed;
  const named: Record<string, unknown> = { ...entry, client_port: entry.client, target_port: entry.target };
  return VENDED_FIELDS.map((field) => String(named[field] ?? '-').replaceAll('\\x22', '"'));
}

/** One object to a line; `numbers` as JSON numbers, otherwise as text. */
export const jsonLines = (lines: readonly string[], numbers = false): string[] =>
  lines.map((line) =>
    JSON.stringify(
      Object.fromEntries(
        valuesOf(line).map((value, index) => {
          const field = VENDED_FIELDS[index] ?? '';
          return [field, numbers && NUMBERS.has(field) ? Number(value) : value];
        }),
      ),
    ),
  );

export const w3cLines = (lines: readonly string[]): string[] => [
  '#Version: 1.0',
  `#Fields: ${VENDED_FIELDS.join(' ')}`,
  ...lines.map((line) => valuesOf(line).join('\t')),
];

export const delimitedLines = (lines: readonly string[], delimiter: string): string[] =>
  lines.map((line) => valuesOf(line).join(delimiter));

/** The bytes of a Parquet file: text columns, processing times as doubles, sizes as integers. */
export async function parquetFile(lines: readonly string[]): Promise<Uint8Array> {
  const folder = temporaryFolder();
  writeFileSync(`${folder}/in.json`, jsonLines(lines).join('\n'));
  const type = (field: string) => (field.endsWith('_bytes') ? 'BIGINT' : NUMBERS.has(field) ? 'DOUBLE' : 'VARCHAR');
  const columns = VENDED_FIELDS.map((field) => `CAST(${field} AS ${type(field)}) AS ${field}`);
  const texts = VENDED_FIELDS.map((field) => `${field}: 'VARCHAR'`);
  return parquetOf(
    `SELECT ${columns.join(', ')} FROM read_json('${folder}/in.json', format = 'newline_delimited', columns = {${texts.join(', ')}})`,
  );
}

/** A Parquet file of the rows that an SQL statement selects. */
export async function parquetOf(statement: string): Promise<Uint8Array> {
  const path = `${temporaryFolder()}/out.parquet`;
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run(`COPY (${statement}) TO '${path}' (FORMAT parquet, COMPRESSION zstd)`);
  connection.closeSync();
  return readFileSync(path);
}
