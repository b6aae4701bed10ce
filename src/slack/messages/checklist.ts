/** The six steps, ticking while they are worked on; then what each came to, with the button that shows its evidence. */
import type { types } from '@slack/bolt';
import { STEP_TITLES } from '../../diagnose/checks/check.ts';
import { checkOf } from '../../diagnose/checks/index.ts';
import type { CheckFinding, ChecklistStep, CheckOutcome, Diagnosis, StepNumber } from '../../diagnose/diagnosis.ts';
import { number, plural } from '../../format/wording.ts';
import { type CollectionProgress, stepProgress } from '../../investigate/collection-progress.ts';
import { costSentence, OUTCOME_MARK } from '../../render/phrases.ts';
import type { Run } from '../../runs/run.ts';
import type { DetailId } from './actions.ts';
import type { Message, SlackBlock } from './message.ts';
import { buttonRow, detailButton } from './message-buttons.ts';
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

const STEPS: readonly StepNumber[] = [1, 2, 3, 4, 5, 6];
/** Of a line of the checklist: what does not fit is behind the button. */
const MAX_WORDS = 160;

/** One line of the checklist. */
interface ChecklistItem {
  step: StepNumber;
  status: 'pending' | 'in_progress' | 'complete' | 'error';
  mark: string;
  words: string;
}

export function checklistMessage(rawState: ThreadState, progress: CollectionProgress | null): Message {
  const state = sanitizeState(rawState);
  const { run, diagnosis } = state;
  const items = STEPS.map((step) => (progress === null ? finishedItem(step, diagnosis) : runningItem(step, progress)));
  const title = planTitle(run, diagnosis, progress);
  const below = footer(state, progress);
  const lines: MessagePart[] = [
    line({ bold: title }),
    ...items.map(({ mark, words }): MessagePart => ({ line: [`${mark} `, ...prose(words)] })),
  ];
  const after = [...smallPrint(...below), ...(progress === null ? stepButtons(run, diagnosis) : [])];
  const plan: types.PlanBlock = {
    type: 'plan',
    title,
    tasks: items.map(({ step, status, mark, words }) => ({
      type: 'task_card',
      task_id: `step-${step}`,
      // Slack draws a tick or a cross; what could not be looked at or does not apply is neither, and says so.
      title: (mark === OUTCOME_MARK.unknown || mark === OUTCOME_MARK['not-applicable']
        ? `${mark} ${words}`
        : words
      ).replaceAll('`', ''),
      status,
    })),
  };
  return {
    text: messageText([...lines, ...below.map((one): MessagePart => ({ line: one }))]),
    blocks: [plan, ...after],
    plainBlocks: [...richText(lines), ...after],
  };
}

/** Where it is, and how many steps have ended. */
function planTitle(run: Run, diagnosis: Diagnosis | null, progress: CollectionProgress | null): string {
  const { name, region, account } = run.loadBalancer;
  const where = account === 'default' ? region : `${region}, account ${account}`;
  const subject = truncate(sanitize(`${name} (${where})`), 120);
  if (progress !== null) {
    const done = STEPS.filter((step) => stepProgress(progress, step).state === 'done').length;
    return `${subject}: ${done} of 6 steps`;
  }
  if (diagnosis === null) return `${subject}: ended without an answer`;
  const count = (outcome: CheckOutcome): number => diagnosis.steps.filter((step) => step.outcome === outcome).length;
  const parts = [
    count('fail') > 0 ? plural(count('fail'), 'step with a fault', 'steps with a fault') : 'no fault in the six steps',
    ...(count('unknown') > 0 ? [`${number(count('unknown'))} not looked at in full`] : []),
  ];
  return `${subject}: ${parts.join(', ')}`;
}

function runningItem(step: StepNumber, progress: CollectionProgress): ChecklistItem {
  const { state, began, ended, unavailable, needed } = stepProgress(progress, step);
  const title = `${step} ${STEP_TITLES[step]}`;
  if (state === 'pending' || began === null) return { step, status: 'pending', mark: '·', words: title };
  if (state === 'under way' || ended === null) {
    const doing = step === 1 && progress.accessLogStatus !== undefined ? `, ${sanitize(progress.accessLogStatus)}` : '';
    return { step, status: 'in_progress', mark: '…', words: truncate(`${title}${doing}`, MAX_WORDS) };
  }
  const seconds = `${((ended - began) / 1000).toFixed(1)} s`;
  return unavailable === 0
    ? { step, status: 'complete', mark: '✓', words: `${title}, ${seconds}` }
    : {
        step,
        status: unavailable === needed ? 'error' : 'complete',
        mark: OUTCOME_MARK.unknown,
        words: `${title}, ${seconds}, could not check ${unavailable} of ${needed}`,
      };
}

/** Every step has ended by then: one that is said not to have been looked at in an error, one that has no answer as others. */
function taskStatus({ outcome, findings }: ChecklistStep): ChecklistItem['status'] {
  if (outcome !== 'unknown') return outcome === 'fail' ? 'error' : 'complete';
  const [unknownFinding] = findings.filter((one) => one.outcome === 'unknown');
  return unknownFinding !== undefined && unknownFinding.missing.length > 0 ? 'error' : 'complete';
}

function finishedItem(number: StepNumber, diagnosis: Diagnosis | null): ChecklistItem {
  const step = diagnosis?.steps.find((one) => one.step === number);
  if (step === undefined)
    return { step: number, status: 'pending', mark: '·', words: `${number} ${STEP_TITLES[number]}` };
  return {
    step: number,
    status: taskStatus(step),
    mark: OUTCOME_MARK[step.outcome],
    words: truncate(`${number} ${STEP_NAMES[number]}: ${summaryOf(step)}`, MAX_WORDS),
  };
}

/** One sentence of the step, of those that made it what it is, and how many more there are. */
function summaryOf({ outcome, findings }: ChecklistStep): string {
  const deciding = findings.filter((one) => one.outcome === outcome);
  const rank = ({ check }: CheckFinding): number => checkOf(check)?.headline ?? Infinity;
  const [first] = outcome === 'pass' ? [...deciding].sort((a, b) => rank(a) - rank(b)) : deciding;
  if (first === undefined) return 'nothing was checked';
  const different = new Set(deciding.map(({ summary }) => summary)).size - 1;
  const more = outcome === 'fail' && different > 0 ? ` And ${number(different)} more.` : '';
  return `${outcomeSentence(first)}${more}`;
}

/** A mark is no word: what could not be looked at, is not known or does not apply says so. */
function outcomeSentence({ outcome, summary, missing }: CheckFinding): string {
  if (outcome === 'not-applicable') return `does not apply. ${firstSentence(summary)}`;
  if (outcome !== 'unknown') return firstSentence(summary);
  return missing.length > 0 ? summary.charAt(0).toLowerCase() + summary.slice(1) : `not known. ${summary}`;
}

/** A sentence ends where the next begins with a capital: "10.0.1.5:8080 refused" holds no end. */
const firstSentence = (text: string): string => text.split(/(?<=[.])\s+(?=[A-Z])/)[0] ?? text;

/** "9 files, 12.4 MB read, $0.0001 · 4.1 s": what was read, what it cost and how long it took; what is known before the log is. */
function footer({ run, diagnosis }: ThreadState, progress: CollectionProgress | null): TextLine[] {
  if (progress !== null)
    return progress.interimVerdict === undefined
      ? []
      : [[`So far: ${truncate(sanitize(progress.interimVerdict), 400)}`]];
  if (diagnosis === null) return [];
  const { took } = run;
  const files = took === undefined || took.files === null ? '' : `${plural(took.files, 'file')}, `;
  const durationText = took === undefined ? '' : ` · ${(took.milliseconds / 1000).toFixed(1)} s`;
  return [[`${files}${costSentence(diagnosis)}${durationText}`]];
}

const BUTTON_LABEL: Record<StepNumber, string> = {
  1: '1 Log',
  2: '2 Ports',
  3: '3 Keep-alive',
  4: '4 Responses',
  5: '5 Network',
  6: '6 Targets',
};

const stepButtons = (run: Run, diagnosis: Diagnosis | null): SlackBlock[] =>
  diagnosis === null
    ? []
    : buttonRow(
        ...STEPS.filter((number) => diagnosis.steps.some(({ step }) => step === number)).map((number) =>
          detailButton(BUTTON_LABEL[number], `step-${number}` satisfies DetailId, { run: run.id }),
        ),
      );
