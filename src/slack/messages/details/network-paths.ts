/** The paths from the load balancer to its targets: security groups, network ACLs and routes, one verdict a target. */
import type { Diagnosis } from '../../../diagnose/diagnosis.ts';
import { allowCommands } from '../../../diagnose/network-path/path.ts';
import { type PathEvidence, type TargetPath, targetPaths } from '../../../diagnose/network-path/target-paths.ts';
import { groupBy, readTraffic } from '../../../diagnose/traffic.ts';
import type { EvidenceName, EvidenceSet } from '../../../evidence/evidence.ts';
import { list, number } from '../../../format/wording.ts';
import { OUTCOME_MARK } from '../../../render/phrases.ts';
import type { Run } from '../../../runs/run.ts';
import type { FileMessage, Message } from '../message.ts';
import { sanitize } from '../redact-text.ts';
import { copyable, line, type MessagePart, partsMessage, prose, type TextLine, truncate } from '../rich-text.ts';
import { gapParts } from '../steps.ts';
import { policiesIn } from '../thread-state.ts';
import { partsOrFile } from './text-file.ts';

const MAX_LINES = 24;
const ANSWER_MARK = { allowed: '✓', blocked: '✗', 'cannot-see': '?' } as const;
const ANSWER_WORD = { allowed: 'open', blocked: 'blocked', 'cannot-see': 'could not look' } as const;

export function pathAnswer(run: Run, diagnosis: Diagnosis, evidence: EvidenceSet): Message | FileMessage {
  const findings = diagnosis.steps.find(({ step }) => step === 5)?.findings ?? [];
  const paths = targetPaths(pathEvidenceOf(run, diagnosis, evidence)).sort((a, b) => rank(a) - rank(b));
  if (paths.length === 0 && findings.length === 0)
    return partsMessage([line('No target with an address is known, so there is no path to follow.')]);
  const blocked = paths.flatMap(({ traffic, health }) => [traffic, health].filter((one) => one?.answer === 'blocked'));
  const commands = [...new Set(blocked.flatMap((one) => (one?.answer === 'blocked' ? allowCommands(one.blocks) : [])))];
  const groups = pathLines(paths);
  const left = groups.length - MAX_LINES;
  const policies = diagnosis.gaps.filter(
    (gap) =>
      policiesIn(gap).length > 0 &&
      findings.some(({ summary }) => policiesIn(gap).some((one) => summary.includes(one))),
  );
  return partsOrFile(
    diagnosis,
    'network-paths',
    [
      line({ bold: 'From the load balancer to its targets, and back' }),
      ...findings
        .filter(({ outcome }) => outcome !== 'not-applicable')
        .map(({ outcome, summary }): MessagePart => ({ line: [`${OUTCOME_MARK[outcome]} `, ...prose(summary)] })),
      ...(groups.length > 0 ? [{ bullets: groups.slice(0, MAX_LINES) }] : []),
      ...(left > 0 ? [line({ italic: `… and ${number(left)} more` })] : []),
      ...(commands.length > 0
        ? [line({ bold: 'To open what is blocked' }), ...commands.map((one) => copyable(sanitize(one)))]
        : []),
      ...gapParts(policies),
    ],
    'The paths from the load balancer to its targets.',
  );
}

const rank = ({ traffic, health }: TargetPath): number =>
  Math.min(
    ...[traffic, health].map((one) => (one === null ? 3 : { blocked: 0, 'cannot-see': 1, allowed: 2 }[one.answer])),
  );

/** One line for the targets of a group that have the same answer for the same reason, for traffic and for health checks. */
function pathLines(paths: readonly TargetPath[]): TextLine[] {
  const portPaths = paths.flatMap(({ name, target, state, registered, traffic, trafficPort, healthPort, health }) => {
    const address = target.replace(/:\d+$/, '').replace(/[[\]]/g, '');
    const condition = registered ? (state ?? 'health not known') : 'not registered any more';
    const targetFields = { name, address, condition };
    return [
      { ...targetFields, port: `${trafficPort}`, answer: traffic },
      ...(health === null || healthPort === null || healthPort === trafficPort
        ? []
        : [{ ...targetFields, port: `${healthPort}, health checks`, answer: health }]),
    ];
  });
  const key = ({ name, port, address, condition, answer }: (typeof portPaths)[number]) =>
    JSON.stringify([name, port, condition, answer.answer, answer.sentence.replaceAll(address, 'it')]);
  return [...groupBy(portPaths, key).values()].flatMap((own) => {
    const [first] = own;
    if (first === undefined) return [];
    const { name, port, condition, answer, address } = first;
    const addresses = list(
      own.map((walk) => walk.address),
      4,
    );
    const which = `${truncate(name, 80)}, ${addresses} on ${port} (${condition})`;
    const sentence = own.length === 1 ? answer.sentence : answer.sentence.replaceAll(address, 'each');
    return [
      [`${ANSWER_MARK[answer.answer]} `, { bold: which }, `: ${ANSWER_WORD[answer.answer]}. `, ...prose(sentence)],
    ];
  });
}

/** What was collected of what a path depends on. */
function pathEvidenceOf(run: Run, { asked }: Diagnosis, evidence: EvidenceSet): PathEvidence {
  const value = <Name extends EvidenceName>(name: Name) => {
    const item = evidence[name];
    return item.status === 'collected' ? { [name]: item.value } : {};
  };
  const { accessLog } = evidence;
  const { name, arn } = run.loadBalancer;
  return {
    ...value('loadBalancer'),
    ...value('securityGroups'),
    ...value('networkAcls'),
    ...value('subnets'),
    ...value('routeTables'),
    ...value('networkInterfaces'),
    ...value('instances'),
    ...value('prefixLists'),
    ...value('targetGroups'),
    ...value('targetHealth'),
    ...(accessLog.status === 'collected'
      ? {
          traffic: readTraffic(accessLog.value, {
            loadBalancer: { name, arn },
            from: Date.parse(run.from),
            to: Date.parse(run.to),
            now: Date.parse(asked.now),
            statuses: run.statuses,
          }),
        }
      : {}),
  };
}
