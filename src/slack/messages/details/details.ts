/** Details that buttons post in the thread, from stored evidence, without calling AWS. */
import type { LogDetails } from '../../../diagnose/log-details.ts';
import type { Collected } from '../../../evidence/collected.ts';
import { isUnderWay, type Run } from '../../../runs/run.ts';
import type { DetailId } from '../actions.ts';
import type { FileMessage, Message } from '../message.ts';
import { line, partsMessage } from '../rich-text.ts';
import { sanitizeState, type ThreadState } from '../thread-state.ts';
import { timelineAnswer } from './error-timeline.ts';
import { evidenceAnswer } from './evidence-details.ts';
import { fixAnswer } from './fix-commands.ts';
import { postMortemAnswer, repeatAnswer } from './log-files-read.ts';
import { logLinesAnswer } from './log-lines.ts';
import { pathAnswer } from './network-paths.ts';
import { byRevisionAnswer, byServiceAnswer } from './owner-tables.ts';
import { allStepsAnswer, stepAnswer } from './step-details.ts';
import { byRouteAnswer, byTargetAnswer } from './tables.ts';

/** `loadLog` reads the stored access log, which is large; null if it is no longer stored. */
export async function detailAnswer(
  detail: DetailId,
  rawState: ThreadState,
  loadLog: () => Promise<Collected<LogDetails> | null>,
): Promise<Message | FileMessage> {
  const state = sanitizeState(rawState);
  const { diagnosis, run } = state;
  const fromLog = async (answer: (log: Collected<LogDetails>) => Message | FileMessage) => {
    const log = await loadLog();
    return log === null ? noEvidenceMessage(run) : answer(log);
  };
  if (diagnosis === null) return partsMessage([line('There is no answer yet.')]);
  switch (detail) {
    case 'step-1':
      return stepAnswer(1, diagnosis);
    case 'step-2':
      return stepAnswer(2, diagnosis);
    case 'step-3':
      return stepAnswer(3, diagnosis);
    case 'step-4':
      return stepAnswer(4, diagnosis);
    case 'step-5':
      return stepAnswer(5, diagnosis);
    case 'step-6':
      return stepAnswer(6, diagnosis);
    case 'all-steps':
      return allStepsAnswer(diagnosis);
    case 'log-lines':
      return fromLog((log) => logLinesAnswer(run, log));
    case 'by-target':
      return fromLog((log) => byTargetAnswer(run, diagnosis, log));
    case 'by-route':
      return fromLog(byRouteAnswer);
    case 'by-service':
      return byServiceAnswer(diagnosis);
    case 'by-revision':
      return byRevisionAnswer(diagnosis);
    case 'timeline':
      return timelineAnswer(diagnosis);
    case 'path':
      return pathAnswer(diagnosis);
    case 'repeat':
      return repeatAnswer(diagnosis);
    case 'fix':
      return fixAnswer(diagnosis);
    case 'evidence':
      return evidenceAnswer(diagnosis);
    case 'post-mortem':
      return postMortemAnswer(diagnosis);
  }
}

/** While a run is asked again, its evidence is being replaced. */
const noEvidenceMessage = (run: Run): Message => {
  const why = isUnderWay(run) ? 'There is no answer yet' : 'The evidence of this run is no longer stored';
  return partsMessage([line(`${why} (run ${run.id}).`)]);
};
