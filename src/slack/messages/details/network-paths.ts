/** Network paths from the load balancer to each target: security groups, network ACLs, routes. */
import type { Diagnosis, NetworkPath, NetworkPathAnswer } from '../../../diagnose/diagnosis.ts';
import { groupBy } from '../../../diagnose/traffic.ts';
import { list, number } from '../../../format/wording.ts';
import { OUTCOME_MARK } from '../../../render/phrases.ts';
import type { FileMessage, Message } from '../message.ts';
import { sanitize } from '../redact-text.ts';
import { copyable, line, type MessagePart, partsMessage, prose, type TextLine, truncate } from '../rich-text.ts';
import { gapParts, gapsOfStep } from '../steps.ts';
import { partsOrFile } from './text-file.ts';

const MAX_LINES = 24;
const ANSWER_MARK = { open: '✓', blocked: '✗', unknown: '?' } as const;
const ANSWER_WORD = { open: 'open', blocked: 'blocked', unknown: 'could not check' } as const;

export function pathAnswer(diagnosis: Diagnosis): Message | FileMessage {
  const { networkPaths, steps } = diagnosis;
  const findings = steps.find(({ step }) => step === 5)?.findings ?? [];
  if (networkPaths.length === 0 && findings.length === 0)
    return partsMessage([line('No target with an address is known, so there is no path to follow.')]);
  const answers = networkPaths.flatMap(({ traffic, health }) => (health === null ? [traffic] : [traffic, health]));
  const commands = [...new Set(answers.flatMap((answer) => answer.commands))];
  const groups = pathLines(networkPaths);
  const left = groups.length - MAX_LINES;
  const denied = gapsOfStep({ findings }, diagnosis).filter(({ iamStatement }) => iamStatement !== null);
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
      ...gapParts(denied),
    ],
    'The paths from the load balancer to its targets.',
  );
}

interface PortPath {
  name: string;
  address: string;
  condition: string;
  port: string;
  answer: NetworkPathAnswer;
}

/** One line for targets of a group with the same answer and reason. */
function pathLines(paths: readonly NetworkPath[]): TextLine[] {
  const portPaths = paths.flatMap(({ targetGroup, address, state, registered, traffic, port, healthPort, health }) => {
    const condition = registered ? (state ?? 'health not known') : 'not registered any more';
    const target = { name: targetGroup, address, condition };
    return [
      { ...target, port: `${port}`, answer: traffic },
      ...(health === null ? [] : [{ ...target, port: `${healthPort}, health checks`, answer: health }]),
    ];
  });
  const key = ({ name, port, condition, answer }: PortPath) =>
    JSON.stringify([name, port, condition, answer.outcome, answer.sharedSentence ?? answer.sentence]);
  return [...groupBy(portPaths, key).values()].flatMap((own) => {
    const [first] = own;
    if (first === undefined) return [];
    const { name, port, condition, answer } = first;
    const addresses = list(
      own.map((path) => path.address),
      4,
    );
    const which = `${truncate(name, 80)}, ${addresses} on ${port} (${condition})`;
    const sentence = own.length === 1 ? answer.sentence : (answer.sharedSentence ?? answer.sentence);
    return [
      [`${ANSWER_MARK[answer.outcome]} `, { bold: which }, `: ${ANSWER_WORD[answer.outcome]}. `, ...prose(sentence)],
    ];
  });
}
