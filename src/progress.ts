/**
 * The checklist ticks on stderr while the evidence is gathered. Only on a terminal: the drawing, and what it needs, is loaded there.
 * `log-update` redraws in place, follows the size of the terminal, and gives the cursor back on exit, Ctrl-C included.
 */
import picocolors from 'picocolors';
import { STEP_TITLES } from './checks/check.ts';
import type { Progress } from './collect.ts';
import type { StepNumber } from './diagnosis.ts';
import type { EvidenceName } from './evidence.ts';

/** The step of the checklist that waits for each piece of evidence the longest. */
const STEP_OF: Record<EvidenceName, StepNumber> = {
  accessLog: 1,
  metrics: 1,
  loadBalancer: 2,
  listeners: 2,
  rules: 2,
  targetGroups: 2,
  attributes: 3,
  securityGroups: 5,
  networkAcls: 5,
  subnets: 5,
  routeTables: 5,
  networkInterfaces: 5,
  instances: 5,
  prefixLists: 5,
  targetGroupAttributes: 6,
  targetHealth: 6,
  functions: 6,
  changes: 6,
};

const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const FRAME_MS = 80;
/** What is done sooner than this is not worth a flicker. */
const QUIET_MS = 120;

/** What is known of the work: times in milliseconds. */
export interface Work {
  started: Partial<Record<EvidenceName, number>>;
  ended: Partial<Record<EvidenceName, { at: number; unavailable: boolean }>>;
  /** What is being done for the access log, in a few words. */
  doing?: string;
  /** What is known before the access log is, in a sentence. */
  soFar?: string;
}

const names = Object.keys(STEP_OF) as EvidenceName[];

const line = (
  step: StepNumber,
  work: Work,
  now: number,
  colours: ReturnType<typeof picocolors.createColors>,
): string => {
  // The response format is judged from the access log alone.
  const waitsFor = step === 4 ? (['accessLog'] as const) : names.filter((name) => STEP_OF[name] === step);
  const began = waitsFor.flatMap((name) => work.started[name] ?? []);
  const ended = waitsFor.flatMap((name) => work.ended[name] ?? []);
  const unavailable = ended.filter((one) => one.unavailable).length;
  const title = `${step} ${STEP_TITLES[step]}`;
  if (began.length === 0) return colours.dim(`· ${title}`);
  const done = ended.length === waitsFor.length;
  const until = done ? Math.max(...ended.map(({ at }) => at)) : now;
  const elapsed = `${((until - Math.min(...began)) / 1000).toFixed(1)} s`;
  const missing = unavailable === 0 ? '' : `, could not look at ${unavailable} of ${waitsFor.length}`;
  const mark = done
    ? unavailable === 0
      ? colours.green('✓')
      : colours.yellow('?')
    : colours.cyan(FRAMES.charAt(Math.floor(now / FRAME_MS) % FRAMES.length));
  const doing = step === 1 && !done && work.doing !== undefined ? `, ${work.doing}` : '';
  return `${mark} ${title}  ${colours.dim(`${elapsed}${missing}${doing}`)}`;
};

/** The six steps as they stand, one line each, and what is known so far. */
export const drawProgress = (work: Work, now: number, colour: boolean): string => {
  const colours = picocolors.createColors(colour);
  const steps = ([1, 2, 3, 4, 5, 6] as const).map((step) => line(step, work, now, colours));
  return [...steps, ...(work.soFar === undefined ? [] : ['', `So far: ${work.soFar}`])].join('\n');
};

export interface OpenProgress {
  progress: Progress;
  /** Says what is being done for the access log. */
  doing(words: string): void;
  /** Says what is known before the access log is. */
  soFar(sentence: string): void;
  /** Takes the lines away and gives the cursor back. To be called before anything is printed, also after an error. */
  close(): void;
}

/** Draws on `stream` when that is a terminal; does nothing otherwise. */
export const openProgress = async (stream: NodeJS.WriteStream, colour: boolean): Promise<OpenProgress> => {
  if (!stream.isTTY) return { progress: () => {}, doing: () => {}, soFar: () => {}, close: () => {} };
  const { createLogUpdate } = await import('log-update');
  const update = createLogUpdate(stream);
  const work: Work = { started: {}, ended: {} };
  const opened = performance.now();
  const draw = (): void => {
    if (performance.now() - opened >= QUIET_MS) update(drawProgress(work, performance.now(), colour));
  };
  const timer = setInterval(draw, FRAME_MS).unref();
  return {
    progress: (name, state) => {
      if (state === 'started') work.started[name] = performance.now();
      else work.ended[name] = { at: performance.now(), unavailable: state === 'unavailable' };
      draw();
    },
    doing: (words) => {
      work.doing = words;
    },
    soFar: (sentence) => {
      work.soFar = sentence;
    },
    close: () => {
      clearInterval(timer);
      update.clear();
      update.done();
    },
  };
};
