import { describe, expect, it } from 'vitest';
import { defineCause } from '../../src/diagnose/causes/cause.ts';
import { CAUSE_IDS, causes, causesOf } from '../../src/diagnose/causes/index.ts';
import { judgeCause } from '../../src/diagnose/judge-causes.ts';
import { claimsOf, untested } from '../../src/diagnose/judgement.ts';
import { SIGNATURE_IDS, type SignatureId } from '../../src/diagnose/signature.ts';
import { question, several, trafficOf } from '../support/traffic/traffic-builder.ts';

const everyStatus = { ...question, statuses: ['4xx', '5xx'] };
const about = (id: string) => {
  const cause = causes.find((one) => one.id === id);
  if (!cause) throw new Error(`There is no cause ${id}.`);
  return cause;
};

describe('the causes of a signature', () => {
  it('are in their documented order', () => {
    for (const id of SIGNATURE_IDS) expect(causesOf(id)).toEqual(CAUSE_IDS.filter((one) => causesOf(id).includes(one)));
  });

  it.each(SIGNATURE_IDS)('are one or several for %s', (id) => expect(causesOf(id)).not.toEqual([]));

  it.each(SIGNATURE_IDS)('claim only errors of their declared signatures: %s', (id) => {
    const traffic = trafficOf(several(12, id));
    for (const cause of causes) {
      const claimed = claimsOf(judgeCause(cause, { traffic }, everyStatus)).flatMap(({ errors }) => errors);
      expect([cause.id, claimed.filter(({ signature }) => !cause.signatures.includes(signature))]).toEqual([
        cause.id,
        [],
      ]);
    }
  });
});

describe('a cause without errors of its signatures', () => {
  const judged = (cause: string, seen: SignatureId) =>
    judgeCause(about(cause), { traffic: trafficOf(several(4, seen), {}) }, everyStatus);

  it.each([
    ['keep-alive-race', 'connect-timeout', 'All 4 failed requests ended at the 10 s connect timeout'],
    [
      'security-group-blocked',
      'connect-failed',
      'All 4 failed requests failed within 2 ms; a dropped SYN would time out after 10 s.',
    ],
    ['slow-target', 'closed-before-response', 'an idle timeout is at least'],
    ['no-registered-targets', 'fixed-response', 'All 4 failed requests got a fixed response of a listener rule.'],
  ] as const)('%s is ruled out by %s, with a number', (cause, seen, sentence) => {
    expect(judged(cause, seen)).toMatchObject({
      kind: 'ruled-out',
      because: expect.arrayContaining([expect.stringContaining(sentence)]),
    });
  });

  it.each([
    ['lambda-error', 'connect-failed'],
    ['waf-failure', 'closed-before-response'],
    ['fixed-response', 'connect-failed'],
  ] as const)('%s is untested beside %s, as there is nothing to explain', (cause, seen) => {
    expect(judged(cause, seen)).toEqual({ kind: 'untested', missing: [] });
  });
});

it('is untested with the reason if its code fails', () => {
  const broken = defineCause({
    ...about('slow-target'),
    judge() {
      throw new Error('no such route');
    },
  });
  const judgement = judgeCause(broken, { traffic: trafficOf(several(4, 'idle-timeout')) }, question);
  expect(judgement).toEqual(untested(['Could not be judged: no such route.']));
});
