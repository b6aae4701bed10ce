/** The six steps: progress while they run, then the result of each. */

import type { types } from '@slack/bolt';
import { STEP_NUMBERS, STEP_TITLES } from '../../diagnose/checks/check.ts';
import { checkOf } from '../../diagnose/checks/index.ts';
import type {
  CheckFinding,
  ChecklistStep,
  CheckOutcome,
  Diagnosis,
  NetworkPath,
  NetworkPathAnswer,
  StepNumber,
} from '../../diagnose/diagnosis.ts';
import { EVIDENCE_TITLE } from '../../diagnose/gaps.ts';
import { number, outOf, plural } from '../../format/wording.ts';
import { type CollectionProgress, stepProgress } from '../../investigate/collection-progress.ts';
import { costSentence } from '../../render/log-and-cost.ts';
import { OUTCOME_MARK } from '../../render/phrases.ts';
import { eitherStatus } from '../../render/verdict-words.ts';
import type { Run } from '../../runs/run.ts';
import type { Message } from './message.ts';
import { sanitize } from './redact-text.ts';
import {
  line,
  type MessagePart,
  messageText,
  prose,
  richText,
  smallPrint,
  type TextLine,
  truncate,
} from './rich-text.ts';
import { STEP_NAMES, sanitizeState, type ThreadState } from './thread-state.ts';

/** Characters of a line while the step runs. */
const MAX_WORDS = 160;
/** Characters of a title: what a phone shows on one line. The task holds the full sentences. */
const MAX_LINE = 60;
const MAX_DETAILS = 3;

/** One line of the checklist. */
interface ChecklistItem {
  step: StepNumber;
  status: 'pending' | 'in_progress' | 'complete' | 'error';
  mark: string;
  words: string;
  /** Findings below the title. */
  detail: readonly CheckFinding[];
}

export function checklistMessage(rawState: ThreadState, progress: CollectionProgress | null): Message {
  const state = sanitizeState(rawState);
  const { run, diagnosis } = state;
  const items = STEP_NUMBERS.map((step) =>
    progress === null ? finishedItem(step, diagnosis) : runningItem(step, progress),
  );
  const done = items.filter(({ status }) => status === 'complete' || status === 'error').length;
  const title = planTitle(run, diagnosis, progress === null ? null : done);
  const below = footer(state, progress);
  const lines: MessagePart[] = [
    line({ bold: title }),
    ...items.map(({ mark, words }): MessagePart => ({ line: [`${mark} `, ...prose(words)] })),
  ];
  const after = smallPrint(...below);
  const plan: types.PlanBlock = {
    type: 'plan',
    title,
    tasks: items.map(({ step, status, mark, words, detail }) => ({
      type: 'task_card',
      task_id: `step-${step}`,
      title: (progress === null || mark === OUTCOME_MARK.unknown ? `${mark} ${words}` : words).replaceAll('`', ''),
      status,
      ...taskOutput(detail),
    })),
  };
  return {
    text: messageText([...lines, ...below.map((one): MessagePart => ({ line: one }))]),
    blocks: [plan, ...after],
    plainBlocks: [...richText(lines), ...after],
  };
}

/** The sentences of a step, folded below its title. */
function taskOutput(findings: readonly CheckFinding[]): { output?: types.RichTextBlock } {
  if (findings.length === 0) return {};
  const sentences = [...new Set(findings.map(({ summary }) => summary))];
  const [block] = richText([{ bullets: sentences.map(prose) }]);
  return block?.type === 'rich_text' ? { output: block as types.RichTextBlock } : {};
}

/** Title of the plan: the load balancer and how many steps have finished; `done` while they run, else null. */
function planTitle(run: Run, diagnosis: Diagnosis | null, done: number | null): string {
  const { name, region, account } = run.loadBalancer;
  const where = account === 'default' ? region : `${region}, account ${account}`;
  const subject = truncate(sanitize(`${name} (${where})`), 120);
  if (done !== null) return `${subject}: ${number(done)} of 6 steps`;
  if (diagnosis === null) return `${subject}: ended without an answer`;
  const count = (outcome: CheckOutcome): number => diagnosis.steps.filter((step) => step.outcome === outcome).length;
  return `${truncate(sanitize(name), 80)}: ${resultWords(count('fail'), count('unknown'))}`;
}

/** "fault in 1 of 6 steps, 4 incomplete"; a step is not a cause. */
function resultWords(faults: number, incomplete: number): string {
  if (faults > 0)
    return `${faults === 1 ? 'fault' : 'faults'} in ${outOf(faults, 6)} steps${incomplete === 0 ? '' : `, ${number(incomplete)} incomplete`}`;
  return incomplete === 0
    ? '6 steps, no fault'
    : `${outOf(incomplete, 6)} steps incomplete, no fault found in the rest`;
}

function runningItem(step: StepNumber, progress: CollectionProgress): ChecklistItem {
  const { state, began, ended, unavailable, needed } = stepProgress(progress, step);
  const title = STEP_TITLES[step];
  if (state === 'pending' || began === null) return { step, status: 'pending', mark: '·', words: title, detail: [] };
  if (state === 'under way' || ended === null) {
    const doing = step === 1 && progress.accessLogStatus !== undefined ? `, ${sanitize(progress.accessLogStatus)}` : '';
    return { step, status: 'in_progress', mark: '…', words: truncate(`${title}${doing}`, MAX_WORDS), detail: [] };
  }
  // A partly checked step may still pass: leave it open until the verdict.
  if (unavailable > 0 && unavailable < needed)
    return { step, status: 'in_progress', mark: '…', words: title, detail: [] };
  const seconds = `${((ended - began) / 1000).toFixed(1)} s`;
  return unavailable === 0
    ? { step, status: 'complete', mark: '✓', words: `${title}, ${seconds}`, detail: [] }
    : { step, status: 'error', mark: OUTCOME_MARK.unknown, words: `${title}: could not check`, detail: [] };
}

/**
 * Maps an outcome to one of a task card's two final states: unchecked steps never get a tick, and the mark in the title
 * tells the four outcomes apart.
 */
const taskStatus = (outcome: CheckOutcome): ChecklistItem['status'] =>
  outcome === 'fail' || outcome === 'unknown' ? 'error' : 'complete';

function finishedItem(number: StepNumber, diagnosis: Diagnosis | null): ChecklistItem {
  const step = diagnosis?.steps.find((one) => one.step === number);
  if (diagnosis === null || step === undefined)
    return { step: number, status: 'pending', mark: '·', words: STEP_NAMES[number], detail: [] };
  return {
    step: number,
    status: taskStatus(step.outcome),
    mark: OUTCOME_MARK[step.outcome],
    words: `${STEP_NAMES[number]}: ${stepWords(step, diagnosis, MAX_LINE - STEP_NAMES[number].length - '✓ : '.length)}`,
    detail: headlineFindings(step).slice(0, MAX_DETAILS),
  };
}

/** The result of a step in at most `room` characters. */
function stepWords(step: ChecklistStep, diagnosis: Diagnosis, room: number): string {
  const { outcome } = step;
  if (outcome === 'not-applicable')
    return step.findings.find(({ brief }) => brief !== undefined)?.brief ?? 'not applicable';
  if (outcome === 'unknown') return unknownWords(step, diagnosis, room);
  const [first] = headlineFindings(step);
  const sentence = first === undefined ? 'nothing was checked' : fitTitle(first, room);
  return PLAIN_WORDS[step.step](diagnosis, outcome) ?? sentence;
}

/** Results worded from the diagnosis; null when a finding says it better. */
const PLAIN_WORDS: Record<StepNumber, (diagnosis: Diagnosis, outcome: 'pass' | 'fail') => string | null> = {
  1: (diagnosis, outcome) => {
    const { completeness, triage, signatures } = diagnosis;
    const { errorsInLog, errorsInMetrics } = completeness;
    const isComplete = errorsInLog !== null && errorsInMetrics !== null && errorsInLog >= errorsInMetrics;
    if (outcome === 'fail' || triage.errors === null) return null;
    const log = isComplete ? 'complete, ' : '';
    if (triage.errors === 0) return `${log}no ${eitherStatus(diagnosis)}`;
    const byTargets = signatures.find(({ id }) => id === 'target-response')?.count ?? 0;
    const all = triage.errors === 1 ? '1 error,' : `all ${number(triage.errors)} errors`;
    return byTargets > 0 ? null : `${log}${all} by the load balancer`;
  },
  2: ({ steps }, outcome) => (outcome === 'pass' ? (briefOf(steps, 2, outcome) ?? 'match') : null),
  3: ({ keepAlive, triage }, outcome) => {
    const { measuredSeconds = null, idleTimeoutSeconds = null } = keepAlive ?? {};
    if (outcome === 'fail' && measuredSeconds !== null && idleTimeoutSeconds !== null)
      return `targets close at ${shortSeconds(measuredSeconds)}, load balancer at ${shortSeconds(idleTimeoutSeconds)}`;
    return outcome === 'pass' && (triage.errors ?? 0) > 0 ? 'no race seen' : null;
  },
  4: ({ triage, steps }, outcome) => {
    if (outcome === 'fail') return null;
    const [first] = byHeadline(steps.find(({ step }) => step === 4)?.findings ?? []);
    return triage.errors === 0 ? 'no errors' : (first?.brief ?? null);
  },
  5: ({ networkPaths, steps }, outcome) =>
    outcome === 'fail' ? (briefOf(steps, 5, outcome) ?? blockedWords(networkPaths)) : null,
  6: () => null,
};

/** The first short result of this outcome in a step. */
const briefOf = (steps: readonly ChecklistStep[], number: StepNumber, wanted: CheckOutcome): string | null =>
  steps
    .find(({ step }) => step === number)
    ?.findings.find(({ outcome, brief }) => outcome === wanted && brief !== undefined)?.brief ?? null;

/** "2 of 4 traffic paths blocked"; null if none is. */
function blockedWords(paths: readonly NetworkPath[]): string | null {
  const health = paths.flatMap((path) => path.health ?? []);
  const isBlocked = ({ outcome }: NetworkPathAnswer): boolean => outcome === 'blocked';
  const traffic = paths.filter((path) => isBlocked(path.traffic)).length;
  if (traffic > 0) return `${number(traffic)} of ${plural(paths.length, 'traffic path')} blocked`;
  const checks = health.filter(isBlocked).length;
  return checks > 0 ? `${number(checks)} of ${plural(health.length, 'health-check path')} blocked` : null;
}

const shortSeconds = (value: number): string => `${Math.round(value * 10) / 10} s`;

/** "could not check network ACLs", "6 of 9 checks incomplete" for several missing inputs, or the unknown finding if no evidence was missing. */
function unknownWords({ findings }: ChecklistStep, { gapDetails, triage }: Diagnosis, room: number): string {
  const missing = new Set(findings.flatMap((finding) => finding.missing));
  const titles = [
    ...new Set(gapDetails.filter(({ evidence }) => missing.has(evidence)).map(({ evidence }) => evidence)),
  ];
  const [first] = titles;
  if (first !== undefined) {
    const open = findings.filter(({ outcome }) => outcome === 'unknown').length;
    const words = `could not check ${EVIDENCE_TITLE[first]}`;
    return titles.length === 1 && words.length <= room ? words : `${outOf(open, findings.length)} checks incomplete`;
  }
  const [open] = findings.filter(({ outcome }) => outcome === 'unknown');
  if (missing.size > 0) return open?.brief ?? 'could not check';
  if (triage.requests === 0) return 'no log entries yet';
  if (open === undefined) return 'not known';
  return open.brief === undefined ? fitTitle(open, room) : truncate(open.brief, room);
}

/** The findings that decided the step's outcome; in a passed step, the most informative first. */
function headlineFindings({ outcome, findings }: ChecklistStep): CheckFinding[] {
  const deciding = findings.filter((one) => one.outcome === outcome);
  return outcome === 'pass' ? byHeadline(deciding) : deciding;
}

function byHeadline(findings: readonly CheckFinding[]): CheckFinding[] {
  const rank = ({ check }: CheckFinding): number => checkOf(check)?.headline ?? Number.MAX_SAFE_INTEGER;
  return [...findings].sort((a, b) => rank(a) - rank(b));
}

/** Words that must not end a line. */
const OPEN_END = /(?: (?:and|of|an?|the|that|while|not|could|is|are|was|to|between|for))+$|[,:;]$/;
/** A sentence ends at a full stop and a space, so "10.0.1.5:8080 refused" does not end within the address. */
const SENTENCE_END = /(?<=[.])\s+(?=[A-Z0-9])/;

/**
 * The finding shortened for a line: its first sentence if that fits, else `brief`, else cut. The task shows all of it.
 */
function fitTitle({ summary, brief }: CheckFinding, room: number): string {
  const [first = summary] = summary.split(SENTENCE_END);
  const sentence = first.replace(/[.]$/, '');
  if (sentence.length > room && brief !== undefined) return truncate(brief, room);
  // A name such as GET or CloudFront keeps its capitals.
  const title = /^[A-Z][a-z]* /.test(sentence) ? sentence.charAt(0).toLowerCase() + sentence.slice(1) : sentence;
  if (title.length <= room) return title;
  const cut = title.slice(0, room - 1);
  const words = cut.slice(0, Math.max(cut.lastIndexOf(' '), 1));
  return `${words.replace(OPEN_END, '')}…`;
}

/** Before the log is read, the findings so far; afterwards, bytes, queries and duration. */
function footer({ run, diagnosis }: ThreadState, progress: CollectionProgress | null): TextLine[] {
  if (progress !== null)
    return progress.interimVerdict === undefined
      ? []
      : [[`So far: ${truncate(sanitize(progress.interimVerdict), 400)}`]];
  if (diagnosis === null) return [];
  const { took } = run;
  const files = took === undefined || took.files === null ? '' : `${plural(took.files, 'access-log file')}; `;
  return [[`${files}${costSentence(diagnosis)}`]];
}
