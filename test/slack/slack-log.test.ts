/** The contents of the log, and what it must not contain. */
import { WebClient } from '@slack/web-api';
import { describe, expect, it } from 'vitest';
import { boltLogger, openLog, scrubSecrets } from '../../src/slack/slack-log.ts';

function opened(level: 'info' | 'debug' = 'info') {
  const lines: string[] = [];
  return { lines, log: openLog(level, { write: (line) => void lines.push(line) }) };
}

const only = (lines: string[]): Record<string, unknown> => {
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? '');
};

describe('a log line', () => {
  it('is JSON with a level, a time and ids', () => {
    const { lines, log } = opened();
    log.info({ run: '20261121t060106-5650b326', user: 'U0ADA' }, 'asked');
    expect(only(lines)).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      run: '20261121t060106-5650b326',
      user: 'U0ADA',
      msg: 'asked',
    });
  });

  it.each([
    ['a bot token', 'xoxb-1234-abcd'],
    ['an app-level token', 'xapp-1-A1-abcd'],
    ['the address of an answer', 'https://hooks.slack.com/commands/T1/123/abcd'],
    ['the address of a press', 'https://hooks.slack.com/actions/T1/123/abcd'],
    ['the ticket of a socket', 'wss://wss-primary.slack.com/link/?ticket=abcd&app_id=1'],
    ['a signed address', 'https://bucket.s3.amazonaws.com/x?X-Amz-Signature=abcd'],
    ['a signature', `v0=${'abcd'.repeat(16)}`],
  ])('has no %s anywhere', (_, secret) => {
    const { lines, log } = opened();
    log.warn({ about: `before ${secret} after` }, `of ${secret}`);
    log.error({ err: new Error(`could not use ${secret}`, { cause: new Error(secret) }) }, 'broke');
    for (const line of lines) {
      expect(line).not.toContain('abcd');
      expect(() => JSON.parse(line)).not.toThrow();
    }
    expect(scrubSecrets(`a ${secret} b`)).toContain('[secret]');
  });

  it('hides values named like secrets and payloads', () => {
    const { lines, log } = opened();
    log.info({ token: 'abcd', body: { text: 'abcd' }, inner: { response_url: 'abcd', trigger_id: 'abcd' } }, 'x');
    log.info({ b: { c: { token: 'abcd', d: [{ payload: 'abcd' }] } } }, 'x');
    log.child({ of: { headers: { cookie: 'abcd' } } }).info('x');
    expect(lines).toHaveLength(3);
    expect(lines.join()).not.toContain('abcd');
  });

  it('says what failed and where, not what was sent or received', async () => {
    const { lines, log } = opened();
    const fetch = async () => Response.json({ ok: false, error: 'invalid_blocks', echoed: 'abcd' });
    const slack = new WebClient('xoxb-abcd', { fetch });
    const error = await slack.chat.postMessage({ channel: 'C1', text: 'abcd' }).catch((caught: unknown) => caught);
    log.error({ err: error }, 'broke');
    expect(only(lines)).toMatchObject({ err: { type: 'WebAPIPlatformError', slack: 'invalid_blocks' } });
    expect(lines.join()).not.toContain('abcd');
  });
});

it("includes Bolt's messages, but not its debug lines with payloads", () => {
  const { lines, log } = opened('debug');
  const bolt = boltLogger(log);
  bolt.debug('payload');
  bolt.warn('careful', new Error('what'), { deep: { payload: 'abcd' } });
  expect(only(lines)).toMatchObject({ level: 'warn', from: 'bolt', msg: expect.stringMatching(/^careful what/) });
  expect(lines.join()).not.toContain('abcd');
});
