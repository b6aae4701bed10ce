import { describe, expect, it } from 'vitest';
import type { CauseId } from '../../src/diagnose/causes/index.ts';
import { tracesOf } from '../../src/diagnose/traces.ts';
import { failed, trafficOf } from '../support/traffic/traffic-builder.ts';

const ROOT = 'Root=1-693bb3f2-71b560c458bf732c4d88fcf8';
const traces = (trace_id: string, kind: 'closed-before-response' | 'idle-timeout' = 'closed-before-response') =>
  tracesOf(trafficOf([failed(kind, 60, { trace_id })]).errors, ['closed-mid-request']);

it('gives searches for the trace id and says what each result means', () => {
  const found = traces(ROOT);
  expect(found?.ids).toEqual([ROOT]);
  expect(found?.grep).toBe(`grep -RhE ${ROOT} '/var/log/<application>/'`);
  expect(found?.logsInsights).toContain(`like /${ROOT}/`);
  expect(Object.keys(found?.meaning ?? {})).toEqual(['absent', 'started', 'finished']);
});

it('finds the root next to fields added by a client', () => {
  expect(traces(`Self=1-693bb3f2-71b560c458bf732c4d88fcf9;${ROOT};Sampled=1`)?.ids).toEqual([ROOT]);
});

it.each(["Root=1-1';rm -rf /;'", '-', 'Root=1-693bb3f2-71b560c458bf732c4d88fcf8$(id)'])(
  'lets no trace id a client made up reach a command: %s',
  (sent) => expect(traces(sent)).toBeNull(),
);

it('suggests no search if the rows decide', () => expect(traces(ROOT, 'idle-timeout')).toBeNull());

describe('a request that the application never logged', () => {
  const absent = (...open: CauseId[]) =>
    tracesOf(trafficOf([failed('closed-before-response', 60, { trace_id: ROOT })]).errors, open)?.meaning.absent;

  it('points to a proxy or a crash if a keep-alive race is ruled out', () => {
    expect(absent('closed-mid-request', 'malformed-response')).toBe(
      'if the application logs trace IDs, the request never reached it: check for a restart at that moment, and any proxy in front of it',
    );
  });

  it('may also be a keep-alive race while that is open', () => {
    expect(absent('keep-alive-race', 'closed-mid-request')).toContain(
      'if the application logs trace IDs, the request never reached it: a keep-alive race, a proxy',
    );
  });
});
