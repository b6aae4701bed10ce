import { describe, expect, it } from 'vitest';
import type { Diagnosis } from '../../../src/diagnose/diagnosis.ts';
import { runStateOf } from '../../../src/slack/messages/index.ts';
import { early, race, undecided } from '../../support/diagnoses.ts';
import { recordedDiagnosis } from '../../support/slack/thread-states.ts';

describe('a diagnosis is', () => {
  it.each<[string, Diagnosis, string]>([
    ['provisional', early, 'provisional'],
    ['final', recordedDiagnosis('001-keep-alive-race-beside-worker-timeout'), 'final'],
    [
      'final if one question of a step stays open',
      recordedDiagnosis('002-security-group-blocks-traffic-port'),
      'final',
    ],
    ['partial if a whole step could not be checked', undecided, 'partial'],
    ['partial without the access log', { ...race, triage: { ...race.triage, requests: null } }, 'partial'],
  ])('%s', (_, diagnosis, state) => {
    expect(runStateOf(diagnosis)).toBe(state);
  });
});
