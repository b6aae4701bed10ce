import { describe, expect, it } from 'vitest';
import { closedMidRequest } from '../../../src/diagnose/causes/closed-mid-request.ts';
import { malformedResponse } from '../../../src/diagnose/causes/malformed-response.ts';
import { failingClients } from '../../../src/diagnose/patterns/clients.ts';
import type { FailedRequest } from '../../../src/evidence/access-log.ts';
import { judgementOf } from '../../support/judgement.ts';
import { failed, question, trafficOf } from '../../support/traffic/traffic-builder.ts';

/** A request that was closed before a response after 20 ms of work, `second` after the start. */
const closed = (second: number, client: number, more: Partial<FailedRequest> = {}): FailedRequest =>
  failed('closed-before-response', second, { client, target_processing_time: 0.02, ...more });

/** Eight clients that each ask, fail, ask again some seconds later and fail again. */
const twice = (more: Partial<FailedRequest> = {}): FailedRequest[] =>
  [1, 2, 3, 4, 5, 6, 7, 8].flatMap((client) => [
    closed(60 * client, client, more),
    closed(60 * client + 1 + client / 3, client, more),
  ]);

const patternOf = (failures: FailedRequest[], ...part: Parameters<typeof trafficOf>[1][]) => {
  const traffic = trafficOf(failures, ...part);
  return failingClients(traffic, traffic.errors);
};

describe('clients that fail every time', () => {
  it('are found if every repeat fails again and nearly all other requests succeed', () => {
    expect(patternOf(twice())).toMatchObject({ clients: 8, repeated: 8, failedAgain: 8, errors: { length: 16 } });
  });

  it('indicate a bad response, not a close during work', () => {
    const traffic = trafficOf(twice());
    const { claims, for: reasons } = judgementOf(malformedResponse, { traffic }, question);
    expect(claims.flatMap(({ errors }) => errors)).toHaveLength(16);
    expect(reasons.join(' ')).toContain('8 clients failed each time: 8 of 8 of their requests that were repeated');
    const close = judgementOf(closedMidRequest, { traffic }, question);
    expect(close.claims.flatMap(({ errors }) => errors)).toEqual([]);
    // A process that ends over what these clients ask would show the same.
    expect(close.ruledOut).toBe(false);
  });

  it.each([
    ['their first tries', [1, 2, 3, 4, 5, 6, 7, 8].map((client) => closed(60 * client, client))],
    ['half of the repeats that succeeded', twice().map((one, i) => ({ ...one, retriedOk: i % 4 === 1 }))],
    ['repeats on another route', twice().map((one, i) => ({ ...one, route: i % 2 === 0 ? 'GET /a' : 'GET /b' }))],
    [
      'the rhythm of programs',
      twice().map((one, i) => ({ ...one, at: one.at - (i % 2) * (1000 * (1 + one.client / 3) - 5000) })),
    ],
    [
      'the requests of two clients',
      twice()
        .slice(0, 4)
        .flatMap((one) => [one, { ...one, at: one.at + 777 * one.client }]),
    ],
    ['repeats a minute later', twice().map((one, i) => ({ ...one, at: one.at + (i % 2) * 60_000 }))],
  ])('are not found in %s', (_, failures) => {
    expect(patternOf(failures)).toBeNull();
  });

  it('are not found if most requests of the same minutes fail', () => {
    expect(patternOf(twice(), { requests: 30, minutes: [] })).toBeNull();
  });

  describe('next to clients whose random errors succeed on retry', () => {
    /** Three clients that ask the same route eight times in a row, some seconds apart, and always fail. */
    const always = [1, 2, 3].flatMap((client) =>
      Array.from({ length: 8 }, (_, i) => closed(60 * client + i * (3 + client / 3) + i * i * 0.2, client)),
    );
    const random = Array.from({ length: 20 }, (_, i) => closed(50 + i * 40, 100 + i, { retriedOk: true }));

    it('finds the first kind, without errors of the others', () => {
      const seen = patternOf([...always, ...random]);
      expect(seen).toMatchObject({ clients: 3, repeated: 21, failedAgain: 21, errors: { length: 24 } });
    });

    it('judges the others separately: closed at once, or for another reason', () => {
      const traffic = trafficOf([...always, ...random]);
      const { claims } = judgementOf(closedMidRequest, { traffic }, question);
      expect(claims.flatMap(({ errors }) => errors)).toHaveLength(20);
    });

    it('excludes an error that succeeded on another route', () => {
      const other = closed(400, 1, { route: 'GET /', retriedOk: true });
      expect(patternOf([...always, ...random, other])).toMatchObject({ clients: 3, errors: { length: 24 } });
    });

    it('excludes clients with a success among their repeats', () => {
      const once = always.map((one, i) => (i % 8 === 3 ? { ...one, retriedOk: true } : one));
      expect(patternOf([...once, ...random])).toBeNull();
    });

    it('excludes programs that always meet a connection at the same idle time', () => {
      const polling = [1, 2, 3].flatMap((client) =>
        Array.from({ length: 8 }, (_, i) => closed(60 * client + i * 5, client)),
      );
      expect(patternOf([...polling, ...random])).toBeNull();
    });

    it('finds none if most requests of the same minutes fail', () => {
      expect(patternOf([...always, ...random], { requests: 60, minutes: [] })).toBeNull();
    });
  });
});
