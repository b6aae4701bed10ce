/** Recorded incidents with attackers' text wherever a client, or a folder from a stranger, can put it. */
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import { type LogEntry, parseLine, printEntry, REST_FIELDS } from '../../../src/collect/access-log/entry.ts';

const SCENARIOS = join(import.meta.dirname, '../../scenarios');

/** Texts that act where they are taken for more than text, by where that would be. */
export const HOSTILE_TEXTS: Record<string, string> = {
  'a shell': 'x\';touch pwned;\'$(touch pwned)`touch pwned`";touch pwned;"|tee pwned>pwned&touch pwned&#',
  'an option': '--cli-input-json file:///etc/passwd',
  Slack:
    '<!channel> <!here|x> <@U0EVIL> <#C0EVIL> <!subteam^S0EVIL> <https://evil.example|AWS> @everyone ```*b* _i_ ~s~ :fire:',
  HTML: '<script>alert(1)</script><img src=x onerror=alert(1)><!-- <b',
  Markdown: '[AWS](https://evil.example) ![x](http://evil.example/x) | x |` @everyone #1 ~~~ ```',
  'another line': 'x\n# Verdict\n- *all is well* <!channel>\r\n$(touch pwned)\n```\n',
  SQL: "x' OR '1'='1'; DROP TABLE entries; --",
  'a path': '../../../../etc/passwd\u0000/../x',
  'a terminal': '\u001b]0;pwned\u0007\u001b[2J\u001b[31m\u009b1m\r\b\u007f',
  'the eye': 'a\u202egnp.exe\u2066\u200b\u200d\u00ad\ufeff\u2028\u{e0041}z',
};

/** Every field of a line, in its order. */
export const LOG_FIELDS: readonly string[] = [
  ...'type time elb client target request_processing_time target_processing_time response_processing_time'.split(' '),
  ...'elb_status_code target_status_code received_bytes sent_bytes'.split(' '),
  ...REST_FIELDS,
];

/** A copy of a recorded incident, each line of its log put through `rewrite` with its number. */
export function rewrittenIncident(scenario: string, rewrite: (entry: LogEntry, number: number) => LogEntry): string {
  return incidentWithLines(scenario, (line, number) => {
    const parsed = parseLine(line);
    return 'entry' in parsed ? printEntry(rewrite(parsed.entry, number)) : line;
  });
}

/** A copy of a recorded incident, each line of its log that is one put through `rewrite` with its number. */
export function incidentWithLines(scenario: string, rewrite: (line: string, number: number) => string): string {
  const folder = mkdtempSync(join(tmpdir(), 'alb502-hostile-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [name = ''] = globSync(`${scenario}-*`, { cwd: SCENARIOS });
  cpSync(join(SCENARIOS, name), join(folder, name), { recursive: true });
  let number = 0;
  for (const file of globSync('**/*.log.gz', { cwd: folder }).sort()) {
    const lines = gunzipSync(readFileSync(join(folder, file)))
      .toString('utf8')
      .split('\n');
    const hostile = lines.map((line) => (line === '' ? line : rewrite(line, number++)));
    writeFileSync(join(folder, file), gzipSync(hostile.join('\n')));
  }
  return join(folder, name);
}

/** The line with `text` as its field of this number, counted from 0: quoted where the log quotes it, else without what would end it. */
export function withField(line: string, index: number, text: string): string {
  const fields: string[] = line.match(/"[^"]*"|[^ ]+/g) ?? [];
  const word = text.replace(/[ "\n]/g, '_');
  const part = word.replaceAll('/', '_');
  const shapes: Record<string, string> = { elb: `app/${part}/${part}`, client: `${word}:80`, target: `${word}:80` };
  const name = LOG_FIELDS[index];
  const isQuoted = name === undefined || (fields[index] ?? '').startsWith('"');
  const quoted = name === 'request_line' ? `GET http://shop.example.com:80/${word} HTTP/1.1` : text;
  fields[index] = isQuoted ? `"${quoted.replaceAll('"', String.raw`\x22`)}"` : (shapes[name] ?? word);
  return fields.join(' ');
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
