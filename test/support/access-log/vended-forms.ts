/** Lines of an access log in the forms of vended deliveries. */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
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
  const path = `${temporaryFolder()}/parquet/out.parquet`;
  mkdirSync(dirname(path), { recursive: true });
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const type = (field: string) => (field.endsWith('_bytes') ? 'BIGINT' : NUMBERS.has(field) ? 'DOUBLE' : 'VARCHAR');
  await connection.run(`CREATE TABLE log (${VENDED_FIELDS.map((field) => `${field} ${type(field)}`).join(', ')})`);
  const insert = await connection.prepare(
    `INSERT INTO log VALUES (${VENDED_FIELDS.map((field) => `CAST(? AS ${type(field)})`).join(', ')})`,
  );
  for (const line of lines) {
    for (const [index, value] of valuesOf(line).entries()) insert.bindVarchar(index + 1, value);
    await insert.run();
  }
  await connection.run(`COPY log TO '${path}' (FORMAT parquet)`);
  connection.closeSync();
  return readFileSync(path);
}
