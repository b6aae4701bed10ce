/** The app itself: health, what it lets in, how it ends. */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { openBot } from '../support/slack/bolt-app.ts';

const get = async (port: number, path: string) => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return `${response.status} ${(await response.text()).trim()}`;
};

describe('health', () => {
  it("uses Slack's port over HTTP", async () => {
    const { port } = await openBot({ mode: 'http' });
    expect(await get(port, '/healthz')).toBe('200 ok');
    expect(await get(port, '/readyz')).toBe('200 ready');
    expect(await get(port, '/else')).toMatch(/^404/);
  });

  it('is not ready if a socket is down longer than a renewal takes', async () => {
    const clock = { now: Date.now() };
    const port = await freePort();
    const { slack, app } = await openBot({ mode: 'socket', healthPort: port, now: () => clock.now });
    expect(await get(port, '/readyz')).toBe('200 ready');
    await slack.close();
    clock.now += 29_000;
    expect(await get(port, '/readyz')).toBe('200 ready');
    await expect
      .poll(async () => {
        clock.now += 31_000;
        return app.isReady();
      })
      .toBe(false);
    expect(await get(port, '/readyz')).toBe('503 not ready');
    expect(await get(port, '/healthz')).toBe('200 ok');
  });
});

describe('over HTTP', () => {
  it.each([
    ['no signature', {}],
    [
      'a wrong signature',
      {
        'X-Slack-Signature': `v0=${'0'.repeat(64)}`,
        'X-Slack-Request-Timestamp': String(Math.floor(Date.now() / 1000)),
      },
    ],
  ])('refuses a request with %s', async (_, headers) => {
    const { port, asked } = await openBot({ mode: 'http' });
    const response = await fetch(`http://127.0.0.1:${port}/slack/events`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
      body: 'command=/alb502&text=shop-prod&user_id=U0ADA&team_id=T0LOCAL&channel_id=C0ALERTS',
    });
    expect(response.status).toBe(401);
    expect(asked.found).toEqual([]);
  });

  it.each([
    ['now', 0, 200],
    ['for a moment ahead, by a clock that is fast', 240, 200],
    ['for an hour ahead', 3600, 401],
    ['an hour ago', -3600, 401],
  ])('answers a request signed %s with the right status', async (_, seconds, status) => {
    const { port, slack } = await openBot({ mode: 'http' });
    const body = 'command=/alb502&text=help&user_id=U0ADA&team_id=T0LOCAL&channel_id=C0ALERTS&trigger_id=1.1';
    const time = Math.floor(Date.now() / 1000) + seconds;
    const signature = createHmac('sha256', slack.signingSecret).update(`v0:${time}:${body}`).digest('hex');
    const response = await fetch(`http://127.0.0.1:${port}/slack/events`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded',
        'X-Slack-Signature': `v0=${signature}`,
        'X-Slack-Request-Timestamp': String(time),
      },
      body,
    });
    expect(response.status).toBe(status);
  });

  it('keeps a connection longer than the 60 s for which a load balancer reuses it', async () => {
    const { port } = await openBot({ mode: 'http' });
    const response = await fetch(`http://127.0.0.1:${port}/healthz`);
    const seconds = Number(/timeout=(\d+)/.exec(response.headers.get('keep-alive') ?? '')?.[1]);
    expect(seconds).toBeGreaterThan(60);
  });

  it('refuses a request that is too long', async () => {
    const { port } = await openBot({ mode: 'http' });
    const response = await fetch(`http://127.0.0.1:${port}/slack/events`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ text: 'x'.repeat(2_000_000) }),
    });
    expect(response.status).toBe(413);
  });
});

it('accepts no more and is not ready while stopping', async () => {
  const { slack, app, asked } = await openBot({ mode: 'http' });
  await app.stop(1000);
  expect(app.isReady()).toBe(false);
  expect((await slack.command({ user: 'ada', channel: 'alerts', text: 'shop-prod' })).outcome).toMatchObject({
    acknowledged: false,
  });
  expect(asked.opened).toEqual([]);
});
