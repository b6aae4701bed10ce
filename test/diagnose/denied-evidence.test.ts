/** With each piece of evidence denied in turn, nothing unchecked passes, and a gap names it. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readIncident } from '../../src/collect/incident/incident-collectors.ts';
import { type DiagnosedIncident, diagnoseRecording } from '../../src/commands/diagnose-command.ts';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import type { CheckFinding, Diagnosis } from '../../src/diagnose/diagnosis.ts';
import type { EvidenceName, EvidenceSet } from '../../src/evidence/evidence.ts';

const SCENARIOS = join(import.meta.dirname, '../scenarios');
const REASON = 'the action was denied';

/** Asked for only if a target is a function, or a security group refers to a prefix list. */
const ASKED_IF_USED: readonly EvidenceName[] = ['functions', 'prefixLists'];
const isUnused = (evidence: EvidenceSet, name: EvidenceName): boolean => {
  const item = evidence[name];
  return ASKED_IF_USED.includes(name) && item.status === 'collected' && Object.keys(item.value).length === 0;
};

const findingsOf = ({ steps }: Diagnosis): Map<string, CheckFinding> =>
  new Map(steps.flatMap(({ findings }) => findings.map((finding) => [finding.check, finding])));

const denied = (evidence: EvidenceSet, name: EvidenceName): EvidenceSet => ({
  ...evidence,
  [name]: { status: 'unavailable', source: 'aws', kind: 'denied', reason: REASON, iamStatement: '{}' },
});

type Change = (evidence: EvidenceSet) => void;

/** The first target group takes gRPC, and a rule of an HTTP listener forwards to it. */
const grpcBehindHttp: Change = ({ listeners, rules, targetGroups }) => {
  if (listeners.status !== 'collected' || rules.status !== 'collected' || targetGroups.status !== 'collected') return;
  const [listener] = listeners.value;
  const [group] = targetGroups.value;
  if (listener === undefined || group === undefined) return;
  Object.assign(listener, { Protocol: 'HTTP', DefaultActions: [{ Type: 'fixed-response' }] });
  Object.assign(group, { ProtocolVersion: 'GRPC' });
  rules.value[listener.ListenerArn] = [{ Actions: [{ Type: 'forward', TargetGroupArn: group.TargetGroupArn }] }];
};

/** No way to any target. */
const blackHole: Change = ({ routeTables }) => {
  if (routeTables.status !== 'collected') return;
  for (const table of routeTables.value)
    table.Routes = [{ DestinationCidrBlock: '10.0.0.0/8', State: 'blackhole', GatewayId: 'local' }];
};

const asRecorded: Change = () => {};

/** A changed copy: what was found out from the recorded lists is kept with them. */
async function changed(folder: string, change: Change): Promise<Omit<DiagnosedIncident, 'diagnosis'>> {
  const { question, evidence } = await diagnoseRecording(await readIncident(join(SCENARIOS, folder)), '');
  const copy = structuredClone(evidence);
  change(copy);
  return { question, evidence: copy };
}

describe.each<[string, string, Change]>([
  ['001', 'as recorded', asRecorded],
  ['002', 'as recorded', asRecorded],
  ['008', 'as recorded', asRecorded],
  ['011', 'as recorded', asRecorded],
  ['016', 'as recorded', asRecorded],
  ['039', 'as recorded', asRecorded],
  ['003', 'with a gRPC group behind an HTTP listener', grpcBehindHttp],
  ['003', 'with a black hole on the way to the targets', blackHole],
])('%s %s', (scenario, _, change) => {
  const [folder = ''] = globSync(`${scenario}-*`, { cwd: SCENARIOS });

  it('denials hide no fault, and each is a gap', async () => {
    const { question, evidence } = await changed(folder, change);
    const whole = findingsOf(diagnose(question, evidence));
    const better: string[] = [];
    const silent: string[] = [];
    const names = Object.keys(evidence) as EvidenceName[];
    for (const name of names.filter((one) => evidence[one].status === 'collected')) {
      const diagnosis = diagnose(question, denied(evidence, name));
      for (const [check, { outcome }] of findingsOf(diagnosis)) {
        const before = whole.get(check)?.outcome;
        // A check may have seen less of it, or not be able to say.
        if (outcome !== before && outcome !== 'unknown') better.push(`${check} without ${name}: ${before}, ${outcome}`);
      }
      if (!isUnused(evidence, name) && !diagnosis.gaps.some((gap) => gap.includes(REASON))) silent.push(name);
      expect(diagnosis.verdict.standing, `without ${name}`).not.toBe('none');
    }
    expect({ better, silent }).toEqual({ better: [], silent: [] });
    const outcomes = [...whole.values()].map(({ outcome }) => outcome);
    expect(outcomes).toContain('fail');
  });
});

it.each<[string, Change, string]>([
  ['gRPC behind HTTP', grpcBehindHttp, 'listener-protocol'],
  ['a black hole', blackHole, 'traffic-port-path'],
])('finds %s with every permission', async (_, change, check) => {
  const [folder = ''] = globSync('003-*', { cwd: SCENARIOS });
  const { question, evidence } = await changed(folder, change);
  expect(findingsOf(diagnose(question, evidence)).get(check)?.outcome).toBe('fail');
});
