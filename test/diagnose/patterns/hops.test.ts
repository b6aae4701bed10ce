import { describe, expect, it } from 'vitest';
import { concentrations } from '../../../src/diagnose/patterns/error-concentration.ts';
import { areClientsKnown, clientsWithErrors } from '../../../src/diagnose/patterns/hops.ts';
import type { Hop } from '../../../src/evidence/edge.ts';
import { several, trafficOf } from '../../support/traffic/traffic-builder.ts';

const cloudFront = (...clients: number[]): { hops: Hop[] } => ({ hops: [{ kind: 'cloudfront', name: null, clients }] });
/** Errors of clients 1 to 4 in turn. */
const errors = several(20, 'closed-before-response', (index) => ({ client: 1 + (index % 4), retriedOk: true }), 1);

describe('clients with errors', () => {
  it.each([
    ['nothing in front', {}, 4, true],
    ['an edge location among them', cloudFront(1), 3, false],
    ['only edge locations', cloudFront(1, 2, 3, 4), null, false],
    ['a hop that had no error', cloudFront(9), 4, true],
  ])('%s', (_, log, clients, areKnown) => {
    const traffic = trafficOf(errors, log);
    expect(clientsWithErrors(traffic)).toBe(clients);
    expect(areClientsKnown(traffic)).toBe(areKnown);
  });
});

it('are not credited with a success of another client behind the same hop', () => {
  const { errors: read } = trafficOf(errors, cloudFront(1, 2));
  expect(new Set(read.filter(({ retriedOk }) => retriedOk).map(({ client }) => client))).toEqual(new Set([3, 4]));
});

it('do not include an edge location as the one with most errors', () => {
  const one = several(20, 'connect-failed', () => ({ client: 1 }));
  const clientsOf = (log = {}) => concentrations(trafficOf(one, log)).filter(({ kind }) => kind === 'client');
  expect(clientsOf()).toHaveLength(1);
  expect(clientsOf(cloudFront(1))).toEqual([]);
});
