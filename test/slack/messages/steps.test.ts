import { describe, expect, it } from 'vitest';
import type { Diagnosis, StepNumber } from '../../../src/diagnose/diagnosis.ts';
import { runStateOf, stepMessages } from '../../../src/slack/messages/index.ts';
import { early, race, undecided } from '../../support/diagnoses.ts';
import { readMessage } from '../../support/slack/read-message.ts';
import { blockKitErrors, recordedDiagnosis, threadStateOf } from '../../support/slack/thread-states.ts';

const statementOf = (action: string): string => `{"Effect":"Allow","Action":"${action}","Resource":"*"}`;
const denied = (action: string): string => `${action} was denied; the IAM statement ${statementOf(action)} allows it`;

/** Steps that could not be looked at, each for these reasons. */
function blind(steps: Partial<Record<StepNumber, string[]>>, gaps: string[]): Diagnosis {
  return {
    ...race,
    gaps,
    steps: race.steps.map((step) => {
      const reasons = steps[step.step];
      const first = step.findings[0];
      if (first === undefined) return step;
      if (reasons === undefined) return { ...step, outcome: 'pass', findings: [{ ...first, outcome: 'pass' }] };
      const findings = reasons.map((reason) => ({
        ...first,
        outcome: 'unknown' as const,
        summary: `Could not look: ${reason}.`,
        facts: [],
      }));
      return { ...step, outcome: 'unknown', findings };
    }),
  };
}

const read = (diagnosis: Diagnosis): Partial<Record<string, string>> => {
  const messages = stepMessages(threadStateOf(diagnosis));
  for (const message of Object.values(messages)) expect(blockKitErrors(message)).toEqual([]);
  return Object.fromEntries(Object.entries(messages).map(([step, message]) => [step, readMessage(message)]));
};

describe('a reply', () => {
  it('is not there for faults that the verdict is about, nor for what the errors look like', () => {
    expect(read(recordedDiagnosis('001-keep-alive-race-beside-worker-timeout'))).toEqual({});
    expect(read(recordedDiagnosis('002-security-group-blocks-traffic-port'))).toEqual({});
    expect(read(recordedDiagnosis('005-healthy'))).toEqual({});
    expect(read(recordedDiagnosis('019-healthy-with-suspicious-setting'))).toEqual({});
  });

  it('is there for a fault beside the verdict', () => {
    expect(Object.keys(read(recordedDiagnosis('009-rolling-deployment-shutdown-before-drain')))).toEqual(['6']);
    const { steps, ...rest } = recordedDiagnosis('002-security-group-blocks-traffic-port');
    const blocked = steps.flatMap(({ findings }) => findings).find(({ check }) => check === 'traffic-port-path');
    if (blocked === undefined) throw new Error('no path');
    const beside = steps.map((step) => ({
      ...step,
      findings:
        step.step === 5 ? [...step.findings, { ...blocked, check: 'health-port-path' as const }] : step.findings,
    }));
    expect(Object.keys(read({ ...rest, steps: beside }))).toEqual(['5']);
  });

  it('is there for what the errors look like where no cause is named', () => {
    expect(Object.keys(read(recordedDiagnosis('014-malformed-route')))).toEqual(['1', '4']);
  });

  it('is not there for what no permission would show', () => {
    expect(read(recordedDiagnosis('006-no-rows-yet'))).toEqual({});
    expect(Object.keys(read(recordedDiagnosis('013-missing-evidence')))).toEqual(['1']);
  });

  it('says what could not be looked at, and the statement that allows it, to copy', () => {
    const reason = denied('ec2:DescribeNetworkAcls');
    expect(read(blind({ 5: [reason] }, [`${reason}: unknown network ACLs.`]))).toEqual({
      5: [
        '? *5 Security groups and network ACLs*: could not look',
        '? ec2:DescribeNetworkAcls was denied: unknown network ACLs.',
        'This IAM statement allows it:',
        `    ${statementOf('ec2:DescribeNetworkAcls')}`,
      ].join('\n'),
    });
  });

  it('says it once where it keeps several steps from being looked at', () => {
    const groups = denied('elasticloadbalancing:DescribeTargetGroups');
    const acls = denied('ec2:DescribeNetworkAcls');
    const told = read(
      blind({ 2: [groups], 5: [groups, acls], 6: [groups] }, [
        `${groups}: unknown ports.`,
        `${acls}: unknown network ACLs.`,
      ]),
    );
    expect(Object.keys(told)).toEqual(['2', '5']);
    expect(told[5]).not.toContain('DescribeTargetGroups');
  });

  it('offers no statement that would not be enough', () => {
    const statement = statementOf('ec2:DescribeSubnets');
    const reason = `ec2:DescribeSubnets was denied explicitly: a policy forbids it, so ${statement} alone does not allow it`;
    const text = read(blind({ 5: [reason] }, [`${reason}: unknown the subnets.`]))[5] ?? '';
    expect(text).toContain('so an IAM statement alone does not allow it');
    expect(text).not.toContain('allows it:');
  });
});

describe('a diagnosis is', () => {
  it.each<[string, Diagnosis, string]>([
    ['provisional', early, 'provisional'],
    ['final', recordedDiagnosis('001-keep-alive-race-beside-worker-timeout'), 'final'],
    [
      'final where one question of a step stays open',
      recordedDiagnosis('002-security-group-blocks-traffic-port'),
      'final',
    ],
    ['partial where a whole step could not be looked at', undecided, 'partial'],
    ['partial without the access log', { ...race, triage: { ...race.triage, requests: null } }, 'partial'],
  ])('%s', (_, diagnosis, state) => {
    expect(runStateOf(diagnosis)).toBe(state);
  });
});
