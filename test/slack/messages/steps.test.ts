import { describe, expect, it } from 'vitest';
import type { CheckFinding, Diagnosis, Gap, StepNumber } from '../../../src/diagnose/diagnosis.ts';
import type { EvidenceName } from '../../../src/evidence/evidence.ts';
import { runStateOf, stepMessages } from '../../../src/slack/messages/index.ts';
import { early, gaps, race, undecided } from '../../support/diagnoses.ts';
import { readMessage } from '../../support/slack/read-message.ts';
import { blockKitErrors, recordedDiagnosis, threadStateOf } from '../../support/slack/thread-states.ts';

const statementOf = (action: string): string => `{"Effect":"Allow","Action":"${action}","Resource":"*"}`;
const denied = (evidence: EvidenceName, action: string): Gap => ({
  kind: 'denied',
  sentence: `Could not check ${evidence}: ${action} was denied.`,
  iamStatement: statementOf(action),
  evidence,
});

/** Steps that could not be checked, each for want of this evidence. */
function blind(steps: Partial<Record<StepNumber, EvidenceName[]>>, ...denials: Gap[]): Diagnosis {
  return {
    ...race,
    ...gaps(...denials),
    steps: race.steps.map((step) => {
      const missing = steps[step.step];
      const first = step.findings[0];
      if (first === undefined) return step;
      if (missing === undefined) return { ...step, outcome: 'pass', findings: [{ ...first, outcome: 'pass' }] };
      const finding: CheckFinding = { ...first, outcome: 'unknown', summary: 'Could not check.', facts: [], missing };
      return { ...step, outcome: 'unknown', findings: [finding] };
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

  it('says what could not be checked, and the statement that allows it, to copy', () => {
    expect(read(blind({ 5: ['networkAcls'] }, denied('networkAcls', 'ec2:DescribeNetworkAcls')))).toEqual({
      5: [
        '? *5 Security groups and network ACLs*: could not check',
        '? Could not check networkAcls: ec2:DescribeNetworkAcls was denied.',
        'Allow it with',
        `    ${statementOf('ec2:DescribeNetworkAcls')}`,
      ].join('\n'),
    });
  });

  it('says it once where it keeps several steps from an answer', () => {
    const messages = read(
      blind(
        { 2: ['targetGroups'], 5: ['targetGroups', 'networkAcls'], 6: ['targetGroups'] },
        denied('targetGroups', 'elasticloadbalancing:DescribeTargetGroups'),
        denied('networkAcls', 'ec2:DescribeNetworkAcls'),
      ),
    );
    expect(Object.keys(messages)).toEqual(['2', '5']);
    expect(messages[5]).not.toContain('DescribeTargetGroups');
  });

  it('offers no statement where none would be enough', () => {
    const explicit = { ...denied('subnets', 'ec2:DescribeSubnets'), iamStatement: null };
    const text = read(blind({ 5: ['subnets'] }, explicit))[5] ?? '';
    expect(text).toContain('ec2:DescribeSubnets was denied');
    expect(text).not.toContain('Allow it');
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
