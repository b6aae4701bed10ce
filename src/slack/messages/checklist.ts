/** The six steps, ticking while they are worked on; then what each came to, with the button that shows its evidence. */
import type { types } from '@slack/bolt';
import { STEP_TITLES } from '../../diagnose/checks/check.ts';
import type { Diagnosis, Finding, Outcome, Step, StepNumber } from '../../diagnose/diagnosis.ts';
import { number, plural } from '../../format/wording.ts';
import { stepWork, type Work } from '../../investigate/collection-progress.ts';
import { costSentence, OUTCOME_MARK } from '../../render/phrases.ts';
import type { Run } from '../../runs/run.ts';
import type { ExtraId } from './actions.ts';
import type { Block, Message } from './message.ts';
import { extraButton, row } from './message-buttons.ts';
import { shown } from './redact-text.ts';
import { cut, type Line, line, type Part, prose, richText, smallPrint, spoken } from './rich-text.ts';
import { STEP_NAMES, type Told, visibleTold, withoutPolicy } from './thread-state.ts';

const STEPS: readonly StepNumber[] = [1, 2, 3, 4, 5, 6];
/** Of a line of the checklist: what does not fit is behind the button. */
const MOST_WORDS = 160;

/** One line of the checklist. */
interface Tick {
  step: StepNumber;
  status: 'pending' | 'in_progress' | 'complete' | 'error';
  mark: string;
  words: string;
}

export function checklistMessage(outside: Told, work: Work | null): Message {
  const told = visibleTold(outside);
  const { run, diagnosis } = told;
  const ticks = STEPS.map((step) => (work === null ? endedTick(step, diagnosis) : workTick(step, work)));
  const title = planTitle(run, diagnosis, work);
  const below = footer(told, work);
  const lines: Part[] = [
    line({ bold: title }),
    ...ticks.map(({ mark, words }): Part => ({ line: [`${mark} `, ...prose(words)] })),
  ];
  const after = [...smallPrint(...below), ...(work === null ? buttons(run, diagnosis) : [])];
  const plan: types.PlanBlock = {
    type: 'plan',
    title,
    tasks: ticks.map(({ step, status, mark, words }) => ({
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
    text: spoken([...lines, ...below.map((one): Part => ({ line: one }))]),
    blocks: [plan, ...after],
    plainBlocks: [...richText(lines), ...after],
  };
}

/** Where it is, and how many steps have ended. */
function planTitle(run: Run, diagnosis: Diagnosis | null, work: Work | null): string {
  const { name, region, account } = run.loadBalancer;
  const where = account === 'default' ? region : `${region}, account ${account}`;
  const found = cut(shown(`${name} (${where})`), 120);
  if (work !== null) {
    const done = STEPS.filter((step) => stepWork(work, step).state === 'done').length;
    return `${found}: ${done} of 6 steps`;
  }
  if (diagnosis === null) return `${found}: ended without an answer`;
  const count = (outcome: Outcome): number => diagnosis.steps.filter((step) => step.outcome === outcome).length;
  const parts = [
    count('fail') > 0 ? plural(count('fail'), 'step with a fault', 'steps with a fault') : 'no fault in the six steps',
    ...(count('unknown') > 0 ? [`${number(count('unknown'))} not looked at in full`] : []),
  ];
  return `${found}: ${parts.join(', ')}`;
}

function workTick(step: StepNumber, work: Work): Tick {
  const { state, began, ended, unavailable, needed } = stepWork(work, step);
  const title = `${step} ${STEP_TITLES[step]}`;
  if (state === 'pending' || began === null) return { step, status: 'pending', mark: '·', words: title };
  if (state === 'under way' || ended === null) {
    const doing = step === 1 && work.doing !== undefined ? `, ${shown(work.doing)}` : '';
    return { step, status: 'in_progress', mark: '…', words: cut(`${title}${doing}`, MOST_WORDS) };
  }
  const seconds = `${((ended - began) / 1000).toFixed(1)} s`;
  return unavailable === 0
    ? { step, status: 'complete', mark: '✓', words: `${title}, ${seconds}` }
    : {
        step,
        status: unavailable === needed ? 'error' : 'complete',
        mark: OUTCOME_MARK.unknown,
        words: `${title}, ${seconds}, could not look at ${unavailable} of ${needed}`,
      };
}

/** Every step has ended by then: one that is said not to have been looked at in an error, one that has no answer as others. */
function statusOf({ outcome, findings }: Step): Tick['status'] {
  if (outcome !== 'unknown') return outcome === 'fail' ? 'error' : 'complete';
  const [said] = findings.filter((one) => one.outcome === 'unknown');
  return said !== undefined && isRefused(said) ? 'error' : 'complete';
}

const isRefused = ({ summary }: Pick<Finding, 'summary'>): boolean => /^(Could not look|Cannot see)/.test(summary);

function endedTick(number: StepNumber, diagnosis: Diagnosis | null): Tick {
  const step = diagnosis?.steps.find((one) => one.step === number);
  if (step === undefined)
    return { step: number, status: 'pending', mark: '·', words: `${number} ${STEP_TITLES[number]}` };
  return {
    step: number,
    status: statusOf(step),
    mark: OUTCOME_MARK[step.outcome],
    words: cut(`${number} ${STEP_NAMES[number]}: ${essence(step)}`, MOST_WORDS),
  };
}

/** The checks that say the most of their step where all is in order. */
const TELLING: Record<StepNumber, readonly string[]> = {
  1: ['error-origin', 'log-completeness', 'access-logging'],
  2: ['registered-port', 'target-group-protocol'],
  3: ['measured-keep-alive', 'idle-timeout'],
  4: ['failing-routes', 'lambda-response'],
  5: ['traffic-port-path'],
  6: ['target-churn', 'unhealthy-hosts-in-metrics', 'target-health'],
};

/** One sentence of the step, of those that made it what it is, and how many more there are. */
function essence({ step, outcome, findings }: Step): string {
  const deciding = findings.filter((one) => one.outcome === outcome);
  const telling = TELLING[step].flatMap((check) => deciding.filter((one) => one.check === check));
  const [first] = outcome === 'pass' ? [...telling, ...deciding] : deciding;
  if (first === undefined) return 'nothing was checked';
  const different = new Set(deciding.map(({ summary }) => summary)).size - 1;
  const more = outcome === 'fail' && different > 0 ? ` And ${number(different)} more.` : '';
  return `${inWords(outcome, withoutPolicy(first.summary))}${more}`;
}

/** A mark is no word: what could not be looked at, is not known or does not apply says so. */
function inWords(outcome: Outcome, summary: string): string {
  if (outcome === 'not-applicable') return `does not apply. ${firstSentence(summary)}`;
  if (outcome !== 'unknown') return firstSentence(summary);
  return isRefused({ summary }) ? summary.charAt(0).toLowerCase() + summary.slice(1) : `not known. ${summary}`;
}

/** A sentence ends where the next begins with a capital: "10.0.1.5:8080 refused" holds no end. */
const firstSentence = (text: string): string => text.split(/(?<=[.])\s+(?=[A-Z])/)[0] ?? text;

/** "9 files, 12.4 MB read, $0.0001 · 4.1 s": what was read, what it cost and how long it took; what is known before the log is. */
function footer({ run, diagnosis }: Told, work: Work | null): Line[] {
  if (work !== null) return work.soFar === undefined ? [] : [[`So far: ${cut(shown(work.soFar), 400)}`]];
  if (diagnosis === null) return [];
  const { took } = run;
  const files = took === undefined || took.files === null ? '' : `${plural(took.files, 'file')}, `;
  const lasted = took === undefined ? '' : ` · ${(took.milliseconds / 1000).toFixed(1)} s`;
  return [[`${files}${costSentence(diagnosis)}${lasted}`]];
}

const LABEL: Record<StepNumber, string> = {
  1: '1 Log',
  2: '2 Ports',
  3: '3 Keep-alive',
  4: '4 Responses',
  5: '5 Network',
  6: '6 Targets',
};

const buttons = (run: Run, diagnosis: Diagnosis | null): Block[] =>
  diagnosis === null
    ? []
    : row(
        ...STEPS.filter((number) => diagnosis.steps.some(({ step }) => step === number)).map((number) =>
          extraButton(LABEL[number], `step-${number}` satisfies ExtraId, { run: run.id }),
        ),
      );
