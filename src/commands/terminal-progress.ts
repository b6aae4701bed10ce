/**
 * The checklist ticks on stderr while the evidence is gathered. Only on a terminal: the drawing, and what it needs, is loaded there.
 * `log-update` redraws in place, follows the size of the terminal, and gives the cursor back on exit, Ctrl-C included.
 */
import picocolors from 'picocolors';
import type { Progress } from '../collect/collect.ts';
import { STEP_TITLES } from '../diagnose/checks/check.ts';
import type { StepNumber } from '../diagnose/diagnosis.ts';
import { nothingDone, stepWork, type Work } from '../investigate/collection-progress.ts';

export type { Work };

const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const FRAME_MS = 80;
/** What is done sooner than this is not worth a flicker. */
const QUIET_MS = 120;

const line = (
  step: StepNumber,
  work: Work,
  now: number,
  colours: ReturnType<typeof picocolors.createColors>,
): string => {
  const { state, began, ended, unavailable, needed } = stepWork(work, step);
  const title = `${step} ${STEP_TITLES[step]}`;
  if (state === 'pending' || began === null) return colours.dim(`· ${title}`);
  const elapsed = `${(((ended ?? now) - began) / 1000).toFixed(1)} s`;
  const missing = unavailable === 0 ? '' : `, could not look at ${unavailable} of ${needed}`;
  const frame = FRAMES.charAt(Math.floor(now / FRAME_MS) % FRAMES.length);
  const done = unavailable === 0 ? colours.green('✓') : colours.yellow('?');
  const doing = step === 1 && state !== 'done' && work.doing !== undefined ? `, ${work.doing}` : '';
  return `${state === 'done' ? done : colours.cyan(frame)} ${title}  ${colours.dim(`${elapsed}${missing}${doing}`)}`;
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
  const work = nothingDone();
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
