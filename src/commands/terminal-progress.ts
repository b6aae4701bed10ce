/**
 * Shows the checklist on stderr while evidence is collected, only on a terminal; loads the drawing code only there.
 * `log-update` redraws in place, follows the terminal size, and restores the cursor on exit, including Ctrl-C.
 */
import picocolors from 'picocolors';
import type { ProgressListener } from '../collect/collect.ts';
import { STEP_NUMBERS, STEP_TITLES } from '../diagnose/checks/check.ts';
import type { StepNumber } from '../diagnose/diagnosis.ts';
import { escapeControls } from '../format/escape-control-characters.ts';
import { type CollectionProgress, emptyProgress, stepProgress } from '../investigate/collection-progress.ts';

export type { CollectionProgress };

const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const FRAME_MS = 80;
/** Milliseconds. Faster work would only flicker. */
const QUIET_MS = 120;

const stepLine = (
  step: StepNumber,
  progress: CollectionProgress,
  now: number,
  colours: ReturnType<typeof picocolors.createColors>,
): string => {
  const { state, began, ended, unavailable, needed } = stepProgress(progress, step);
  const title = `${step} ${STEP_TITLES[step]}`;
  if (state === 'pending' || began === null) return colours.dim(`· ${title}`);
  const elapsed = `${(((ended ?? now) - began) / 1000).toFixed(1)} s`;
  const missing = unavailable === 0 ? '' : `, could not check ${unavailable} of ${needed}`;
  const frame = FRAMES.charAt(Math.floor(now / FRAME_MS) % FRAMES.length);
  const done = unavailable === 0 ? colours.green('✓') : colours.yellow('?');
  const status =
    step === 1 && state !== 'done' && progress.accessLogStatus !== undefined
      ? `, ${escapeControls(progress.accessLogStatus)}`
      : '';
  return `${state === 'done' ? done : colours.cyan(frame)} ${title}  ${colours.dim(`${elapsed}${missing}${status}`)}`;
};

/** Returns the six steps, one per line, and the findings so far. */
export const drawProgress = (progress: CollectionProgress, now: number, colour: boolean): string => {
  const colours = picocolors.createColors(colour);
  const steps = STEP_NUMBERS.map((step) => stepLine(step, progress, now, colours));
  return [
    ...steps,
    ...(progress.interimVerdict === undefined ? [] : ['', `So far: ${escapeControls(progress.interimVerdict)}`]),
  ].join('\n');
};

interface ProgressDisplay {
  listener: ProgressListener;
  /** Shows the current work on the access log. */
  showAccessLogStatus(status: string): void;
  /** Shows the findings before the access log is read. */
  showInterimVerdict(sentence: string): void;
  /** Removes the lines and restores the cursor. Call it before any other output, also after an error. */
  close(): void;
}

/**
 * Draws on `stream` if it is a terminal with colour: redrawing needs escape codes, which NO_COLOR and TERM=dumb forbid.
 */
export const openProgressDisplay = async (stream: NodeJS.WriteStream, colour: boolean): Promise<ProgressDisplay> => {
  if (!stream.isTTY || !colour)
    return { listener: () => {}, showAccessLogStatus: () => {}, showInterimVerdict: () => {}, close: () => {} };
  const { createLogUpdate } = await import('log-update');
  const redraw = createLogUpdate(stream);
  const progress = emptyProgress();
  const opened = performance.now();
  const draw = (): void => {
    if (performance.now() - opened >= QUIET_MS) redraw(drawProgress(progress, performance.now(), colour));
  };
  const timer = setInterval(draw, FRAME_MS).unref();
  return {
    listener: (name, state) => {
      if (state === 'started') progress.started[name] = performance.now();
      else progress.ended[name] = { at: performance.now(), unavailable: state === 'unavailable' };
      draw();
    },
    showAccessLogStatus: (words) => {
      progress.accessLogStatus = words;
    },
    showInterimVerdict: (sentence) => {
      progress.interimVerdict = sentence;
    },
    close: () => {
      clearInterval(timer);
      redraw.clear();
      redraw.done();
    },
  };
};
