/** Recorded incidents as attackers would have made them: their text stands wherever a client, or a folder from a stranger, can put it. */
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import { type LogEntry, parseLine, printEntry } from '../../../src/collect/access-log/entry.ts';

const SCENARIOS = join(import.meta.dirname, '../../scenarios');

/** A copy of a recorded incident, each line of its log put through `rewrite` with its number. */
export function rewrittenIncident(scenario: string, rewrite: (entry: LogEntry, number: number) => LogEntry): string {
  const folder = mkdtempSync(join(tmpdir(), 'alb502-hostile-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [name = ''] = globSync(`${scenario}-*`, { cwd: SCENARIOS });
  cpSync(join(SCENARIOS, name), join(folder, name), { recursive: true });
  let number = 0;
  for (const file of globSync('**/*.log.gz', { cwd: folder }).sort()) {
    const lines = gunzipSync(readFileSync(join(folder, file)))
      .toString('utf8')
      .split('\n');
    const hostile = lines.map((line) => {
      const parsed = parseLine(line);
      return 'entry' in parsed ? printEntry(rewrite(parsed.entry, number++)) : line;
    });
    writeFileSync(join(folder, file), gzipSync(hostile.join('\n')));
  }
  return join(folder, name);
}

/** The entry with `text` in every field that a client writes; the trace id keeps the part of the load balancer, the statuses theirs. */
export function writtenByClient(entry: LogEntry, text: string): LogEntry {
  const path = text.replaceAll(' ', '%20').replaceAll('"', '%22');
  const field = text.replaceAll('"', "'");
  return {
    ...entry,
    ...('request_line' in entry ? { request_line: `GET https://${path}:443/users/${path}/x HTTP/1.1` } : {}),
    ...('user_agent' in entry ? { user_agent: `Mozilla/5.0 (${field}) ${field}` } : {}),
    ...('trace_id' in entry ? { trace_id: `${entry.trace_id};CalledFrom=${field}` } : {}),
    ...('domain_name' in entry ? { domain_name: path } : {}),
    ...('redirect_url' in entry ? { redirect_url: `https://${path}/${path}?${path}` } : {}),
    ...('transformed_host' in entry ? { transformed_host: path } : {}),
    ...('transformed_uri' in entry ? { transformed_uri: `/${path}` } : {}),
  };
}
