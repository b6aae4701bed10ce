import { describe, expect, it } from 'vitest';
import type { Diagnosis } from '../../../src/diagnose/diagnosis.ts';
import { verdictChangedMessage } from '../../../src/slack/messages/index.ts';
import { early, race, undecided } from '../../support/diagnoses.ts';
import { readMessage } from '../../support/slack/read-message.ts';
import { blockKitErrors, threadStateOf } from '../../support/slack/thread-states.ts';

const { summary } = race.verdict;
const confirmed: Diagnosis = {
  ...race,
  verdict: {
    cause: 'keep-alive-race',
    standing: 'confirmed',
    between: [],
    explains: 146 / 149,
    summary,
    decidedBy: null,
  },
};
const more: Diagnosis = { ...race, triage: { ...race.triage, errors: 180 }, provisional: false };
const otherwise: Diagnosis = {
  ...undecided,
  verdict: {
    cause: null,
    standing: 'undecided',
    between: ['response-header-too-large', 'malformed-response', 'closed-mid-request'],
    explains: 1,
    summary,
    decidedBy: '',
  },
};

describe('a later check', () => {
  it.each<[string, Diagnosis, Diagnosis, string | null]>([
    ['gives the same verdict', race, race, null],
    ['finds more errors of the same cause', race, more, null],
    ['names the same possibilities in another order', undecided, otherwise, null],
    ['is the first verdict, which is posted separately', early, race, null],
    [
      'is surer',
      race,
      confirmed,
      'shop-prod: verdict strengthened: keep-alive race (confirmed), before: keep-alive race (likely).',
    ],
    [
      'is undecided after a cause',
      race,
      undecided,
      'alb-demo: verdict weakened: undecided between closed mid-request, malformed response and response header too large, before: keep-alive race (likely).',
    ],
    [
      'has a new cause',
      race,
      { ...confirmed, verdict: { ...confirmed.verdict, cause: 'worker-timeout' } as Diagnosis['verdict'] },
      'shop-prod: new cause: worker timeout (confirmed), before: keep-alive race (likely).',
    ],
  ])('%s', (_, before, now, first) => {
    const message = verdictChangedMessage(threadStateOf(now), before);
    expect(message === null ? null : message.text.split('\n')[0]).toBe(first);
    if (message !== null) expect(blockKitErrors(message)).toEqual([]);
  });

  it('says what it is now based on', () => {
    const fewer = { ...race, completeness: { ...race.completeness, errorsInLog: 12 } };
    const message = verdictChangedMessage(threadStateOf(confirmed), fewer);
    expect(message && readMessage(message)).toContain('149 of 149 errors are in the log now, 12 before.');
  });
});

it('says nothing without an answer', () => {
  expect(verdictChangedMessage({ ...threadStateOf(race), diagnosis: null }, race)).toBeNull();
});
