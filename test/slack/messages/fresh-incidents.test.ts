/** Slack accepts the messages about random incidents, and text hidden in requests stays out of them. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readIncident } from '../../../src/collect/incident/incident-collectors.ts';
import { diagnoseRecording } from '../../../src/commands/diagnose-command.ts';
import { families } from '../../accuracy/families.ts';
import { randomIncident } from '../../accuracy/random-incidents.ts';
import { slackOutputs } from '../../support/incident/outputs.ts';
import { type Recording, writeRecording } from '../../support/simulator/recording.ts';
import { refusalsOf } from '../../support/slack/block-kit.ts';
import { blockKitErrors } from '../../support/slack/thread-states.ts';

/** Written, changed by `tamper`, and diagnosed. */
async function investigated(recording: Recording, tamper: (folder: string) => void = () => {}) {
  const root = mkdtempSync(join(tmpdir(), 'alb502-fresh-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const { expected } = writeRecording(recording, root);
  const folder = join(root, recording.name);
  tamper(folder);
  return diagnoseRecording(await readIncident(folder), (expected.statuses ?? []).join(' '));
}

describe('a random incident', () => {
  it.each([101, 102, 103, 104, 105])('(%s) gets messages that Slack accepts', async (seed) => {
    const { messages, files, home } = await slackOutputs(await investigated(randomIncident(seed)));
    expect(messages.flatMap(blockKitErrors)).toEqual([]);
    expect(refusalsOf({ ...home }, 'home')).toEqual([]);
    for (const { text } of messages) expect(text.trim()).not.toBe('');
    for (const { content, filename } of files) {
      expect(content.trim()).not.toBe('');
      expect(filename).toMatch(/^[A-Za-z0-9-]+-\d+-[a-z0-9-]+[.](?:txt|md)$/);
    }
  });
});

/** Values that identify a person or grant access, anywhere a request can carry them. */
const MARKS = /hunter2|HuntEr2|203\.0\.113\.\d|198\.51\.100\.\d|2600:1f14/;

/** The same requests, failing as they did, as people with something to hide send them. */
function marked(line: string): string {
  const path =
    '/u/jo.hunter2%40example.com/jo.hunter2@example.com/203.0.113.77/AbCdHuntEr2IjKlMnOpQrSt12/eyJhbGciHuntEr2';
  return line
    .replace(
      /"([A-Z]+) (https?:\/\/[^/ ]+)(\/[^ ?]*)(\?[^ ]*)? (HTTP\/[\d.]+)" "[^"]*"/,
      (_, method, host, own, __, version) =>
        `"${method} ${host}${own.replace(/\/$/, '')}${path}?token=hunter2&mail=hunter2 ${version}" "hunter2 <!channel>"`,
    )
    .replace(/"(?:forward|waf,forward)" "-"/, '"forward" "https://hunter2.example/cb?code=hunter2"');
}

function tampered(folder: string): void {
  for (const name of readdirSync(join(folder, 'logs'), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.gz')) continue;
    const file = join(folder, 'logs', name);
    const lines = gunzipSync(readFileSync(file)).toString('utf8').split('\n');
    writeFileSync(file, gzipSync([...lines.map(marked), 'broken 203.0.113.77:1 GET /pay?token=hunter2'].join('\n')));
  }
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/^aws\/.*[.]json$/.test(name)) continue;
    const file = join(folder, name);
    const text = readFileSync(file, 'utf8')
      .replaceAll('"FunctionName"', '"Environment": {"Variables": {"PASSWORD": "hunter2"}}, "FunctionName"')
      .replaceAll('"EventId"', '"AccessKeyId": "hunter2", "EventId"')
      .replaceAll('\\"eventName\\"', '\\"sourceIPAddress\\":\\"203.0.113.77\\",\\"eventName\\"');
    writeFileSync(file, text);
  }
}

const incidents = families.flatMap(({ incidents: own }) => own);

describe('data in requests', () => {
  it.each(incidents.filter((_, at) => at % 6 === 0).map((one) => [one.name, one] as const))(
    'is in no message, file, chart or notification about %s',
    async (_, recording) => {
      const { messages, files, home } = await slackOutputs(await investigated(recording, tampered));
      expect(messages.flatMap(blockKitErrors)).toEqual([]);
      for (const said of [...messages, ...files, home]) expect(JSON.stringify(said, null, 1)).not.toMatch(MARKS);
    },
  );
});
