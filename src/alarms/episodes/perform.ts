/**
 * Performs actions on an episode, one function each. Every action records its completion, so that another process can
 * resume after a crash.
 */

import { Problem } from '../../problem.ts';
import { incidentWindow } from '../../query/incident-window.ts';
import { isUnderWay } from '../../runs/run.ts';
import { misplacedMessage, sentencesMessage } from '../../slack/messages/alarm-notes.ts';
import { episodeClosedMessage } from '../../slack/messages/index.ts';
import type { Message } from '../../slack/messages/message.ts';
import { closeReplyKey } from '../../slack/thread/show.ts';
import { shortHash } from '../alarm-event.ts';
import { translateOutage, Unavailable } from '../retryable.ts';
import { withdraw } from '../thread-rate-limit.ts';
import { type EpisodeRecord, type History, type PendingAction, withDone } from './episode-record.ts';
import { changeRecord, type EpisodesContext } from './episodes-context.ts';
import { incidentTimesOf } from './incident-times.ts';
import type { EpisodeAction } from './next-action.ts';
import { openThread } from './open-thread.ts';
import { keyOfChannel } from './storm-note.ts';

/** Milliseconds. A flapping alarm gets no reply for each end; the headline shows the repeats. */
const MIN_REPLY_INTERVAL = 30 * 60_000;
/** Milliseconds. No answer takes longer. */
const MAX_RERUN_TIME = 15 * 60_000;
const RERUN_POLL = 2_000;

/**
 * Performs the action and returns the history. Adds an episode refused a thread by a storm to `tried`. Throws
 * Unavailable.
 */
export async function perform(
  context: EpisodesContext,
  history: History,
  { record, action }: { record: EpisodeRecord; action: EpisodeAction },
  tried: Set<string>,
): Promise<History> {
  switch (action.kind) {
    case 'open':
      return openThread(context, history, record, tried);
    case 'withdraw':
      return withdrawFromNote(context, history, record);
    case 'refresh':
      await refreshThread(context, record);
      return done(context, history, record, [action]);
    case 'say':
      return saySentences(context, history, record);
    case 'say-misplaced':
      await postReply(context, record, 'misplaced', misplacedMessage(action));
      return done(context, history, record, [action]);
    case 'ask-again':
      askAgain(context, history, record, action);
      return history;
    case 'tell-end':
      return tellEnd(context, history, record, action);
  }
}

const done = (context: EpisodesContext, history: History, record: EpisodeRecord, actions: readonly PendingAction[]) =>
  changeRecord(context, history, record, (current) => withDone(current, actions));

/** Removes the episode from the storm note, which shows this with its next edit. */
async function withdrawFromNote(context: EpisodesContext, history: History, record: EpisodeRecord): Promise<History> {
  const { channels } = context;
  await translateOutage('store', () =>
    channels.change(keyOfChannel(record.channel ?? ''), (stored) => ({
      document: stored && withdraw(stored, record.episode.id),
      result: null,
    })),
  );
  return changeRecord(context, history, record, (current) => ({ ...current, thread: { state: 'dropped' } }));
}

const refreshThread = ({ threads }: EpisodesContext, { episode: { run } }: EpisodeRecord): Promise<void> =>
  translateOutage('slack', () => threads.refresh(run).catch(ignoreRemovedRun));

/** Posts all pending sentences in one reply. */
async function saySentences(context: EpisodesContext, history: History, record: EpisodeRecord): Promise<History> {
  const all = record.pending.filter((action) => action.kind === 'say');
  const sentences = all.flatMap((action) => action.sentences);
  await postReply(context, record, `about-${shortHash(sentences.join(' '))}`, sentencesMessage(sentences));
  return done(context, history, record, all);
}

async function postReply(
  { threads, log }: EpisodesContext,
  { episode: { run } }: EpisodeRecord,
  key: string,
  message: Message,
): Promise<void> {
  const posted = await translateOutage('slack', () => threads.reply(run, key, message).catch(ignoreRemovedRun));
  if (posted === undefined || posted === 'already' || 'ts' in posted) return;
  if (posted.refused === 'unreachable') throw new Unavailable('slack', `Slack did not answer (${posted.code})`);
  log.error({ run, code: posted.code }, 'Slack refused a reply about an alarm');
}

/**
 * Replies how the episode ended, with the errors and verdict of the newest answer. Skips the reply if an end was
 * reported recently or the episode was reopened.
 */
async function tellEnd(
  context: EpisodesContext,
  history: History,
  record: EpisodeRecord,
  action: Extract<PendingAction, { kind: 'tell-end' }>,
): Promise<History> {
  const { endToldAt, episode } = record;
  const now = context.now();
  const isSoon = endToldAt !== null && now - Date.parse(endToldAt) < MIN_REPLY_INTERVAL;
  if (episode.closedAt === null || isSoon) return done(context, history, record, [action]);
  const message = await closingMessage(context, record);
  if (message !== null) {
    await postReply(context, record, closeReplyKey(action.end), message);
    // Refresh if an earlier end was shown or a new answer came meanwhile.
    const isPassed = JSON.stringify(await closingMessage(context, record)) !== JSON.stringify(message);
    if (isPassed || endToldAt !== null) await refreshThread(context, record);
  }
  return changeRecord(context, history, record, (current) => ({
    ...withDone(current, [action]),
    endToldAt: new Date(now).toISOString(),
  }));
}

/** Null when the run was removed. */
function closingMessage({ runs }: EpisodesContext, { episode }: EpisodeRecord): Promise<Message | null> {
  return translateOutage('store', async () => {
    const run = await runs.read(episode.run);
    if (run === null) return null;
    return episodeClosedMessage({ run, diagnosis: await runs.diagnosis(run.id), episode });
  });
}

/**
 * Starts repeating the question over the whole episode; the action is done once the answer is posted. After a stop,
 * another process resumes it.
 */
function askAgain(context: EpisodesContext, history: History, record: EpisodeRecord, action: PendingAction): void {
  const { backoffs, reruns, log } = context;
  const { run } = record.episode;
  const ended = answerOf(context, record)
    .then(async () => {
      backoffs.recordSuccess(run);
      if (!context.isStopping) await done(context, history, record, [action]);
    })
    .catch((error: unknown) => {
      backoffs.recordFailure(run, String(error));
      log.error({ run, err: error }, 'could not repeat the diagnosis of an alarm');
    })
    .finally(() => reruns.delete(run));
  reruns.set(run, ended);
}

/** Resolves when the run has its answer, possibly from another process. */
async function answerOf(context: EpisodesContext, record: EpisodeRecord): Promise<void> {
  const { threads, runs, now, sleep } = context;
  const { run } = record.episode;
  await threads
    .askAgain(run, incidentWindow(Date.parse(record.from), incidentTimesOf(record, now())))
    .catch(ignoreRemovedRun);
  const begun = now();
  for (;;) {
    const current = await runs.read(run);
    if (current === null || !isUnderWay(current) || context.isStopping || now() - begun > MAX_RERUN_TIME) return;
    await sleep(RERUN_POLL);
  }
}

/** Ignores runs that retention has deleted. */
function ignoreRemovedRun(error: unknown): undefined {
  if (!(error instanceof Problem && error.exitCode === 1)) throw error;
}
