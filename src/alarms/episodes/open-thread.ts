/** Opens the thread of an episode, in another channel if its own refuses, or lists it in the storm note. */

import { incidentWindow } from '../../query/incident-window.ts';
import type { Mute } from '../../runs/mutes.ts';
import { newRunId, type Run } from '../../runs/run.ts';
import { LEASE_LENGTH } from '../../runs/store/lease.ts';
import type { OpenResult } from '../../slack/thread/open.ts';
import { channelFor, loadBalancerSubject, mayShow, otherChannel } from '../alarm-routes.ts';
import { askedTogether } from '../asked-errors.ts';
import { translateOutage, Unavailable } from '../retryable.ts';
import { admit, emptyChannel } from '../thread-rate-limit.ts';
import { type EpisodeRecord, type History, withDone, withPending } from './episode-record.ts';
import { assertNotPaused, changeRecord, type EpisodesContext } from './episodes-context.ts';
import { incidentTimesOf } from './incident-times.ts';
import { keyOfChannel, updateStormNote } from './storm-note.ts';

/** Milliseconds between checks on a thread that another process opens. */
const POLL_INTERVAL = 1_000;

export async function openThread(
  context: EpisodesContext,
  history: History,
  record: EpisodeRecord,
  tried: Set<string>,
): Promise<History> {
  const subject = loadBalancerSubject(history.ref, alarmNameOf(record), context.routing);
  // The configuration may have changed since the channel was chosen.
  if (record.channel !== null && !mayShow(record.channel, subject, context.routing))
    return chooseAnew(context, history, record);
  const channel = record.channel ?? channelFor(subject, context.routing);
  if (channel === null) throw new Unavailable('channel', `no route has a channel for ${subject.alarm}`);
  assertNotPaused(context, channel);
  const mute = await findMute(context, record);
  if (mute !== null) {
    tried.add(record.episode.id);
    return waitForMute(context, history, record, { channel, mute });
  }
  if (!(await isAdmitted(context, channel, history, record))) {
    tried.add(record.episode.id);
    return waitForRoom(context, history, record, channel);
  }
  const opened = await requestThread(context, history, record, channel);
  if ('refused' in opened) {
    const other = otherChannel(subject, channel, context.routing);
    return moveElsewhere(context, history, record, { ...opened, channel, other });
  }
  context.backoffs.recordSuccess(channel);
  const run = await waitForRoot(context, 'same' in opened ? opened.same : opened.opened);
  return recordThread(context, history, record, { run, channel });
}

/** Forgets the channel; the run may have claimed it, so the thread gets a new one. */
const chooseAnew = (context: EpisodesContext, history: History, record: EpisodeRecord): Promise<History> =>
  changeRecord(context, history, record, (current) => ({
    ...current,
    channel: null,
    episode: { ...current.episode, run: newRunId(context.now()) },
  }));

const alarmNameOf = ({ episode }: EpisodeRecord): string => episode.alarms[0]?.name ?? '';

/** Whether the channel has room for another thread. */
function isAdmitted(
  { channels, now, mostThreads }: EpisodesContext,
  channel: string,
  { ref }: History,
  record: EpisodeRecord,
): Promise<boolean> {
  const request = {
    episode: record.episode.id,
    loadBalancer: ref.name,
    alarm: alarmNameOf(record),
    hasWaited: record.thread.state === 'waiting' && !record.thread.isMuted,
  };
  return translateOutage('store', () =>
    channels.change(keyOfChannel(channel), (stored) => {
      const { state, isAdmitted } = admit(stored ?? emptyChannel(channel), request, now(), mostThreads);
      return { document: state, result: isAdmitted };
    }),
  );
}

const findMute = ({ mutes }: EpisodesContext, { episode }: EpisodeRecord): Promise<Mute | null> => {
  const firing = episode.alarms.filter(({ state }) => state === 'ALARM');
  const alarms = (firing.length > 0 ? firing : episode.alarms).map(({ arn }) => arn);
  return translateOutage('store', () => mutes.find({ loadBalancer: episode.loadBalancer, alarms }));
};

/** Checks again until the mute ends or the alarms recover; posts nothing about it. */
async function waitForMute(
  context: EpisodesContext,
  history: History,
  record: EpisodeRecord,
  { channel, mute: { user, until, name } }: { channel: string; mute: Mute },
): Promise<History> {
  if (record.thread.state === 'waiting') return history;
  context.log.info({ episode: record.episode.id, muted: name, user, until }, 'no thread: muted');
  const since = new Date(context.now()).toISOString();
  const waiting = await changeRecord(context, history, record, (current) => ({
    ...current,
    channel,
    thread: { state: 'waiting', since, isMuted: true },
  }));
  context.announcements.signal();
  return waiting;
}

async function waitForRoom(
  context: EpisodesContext,
  history: History,
  record: EpisodeRecord,
  channel: string,
): Promise<History> {
  await updateStormNote(context, channel);
  const since = new Date(context.now()).toISOString();
  const waiting = await changeRecord(context, history, record, (current) => ({
    ...current,
    channel,
    // A reopened episode waits again, so that its next end removes it from the note.
    thread:
      current.thread.state === 'waiting' && !current.thread.isMuted ? current.thread : { state: 'waiting', since },
  }));
  context.announcements.signal();
  return waiting;
}

async function requestThread(
  { threads, now }: EpisodesContext,
  { ref }: History,
  record: EpisodeRecord,
  channel: string,
): Promise<OpenResult> {
  const { episode } = record;
  const window = incidentWindow(Date.parse(record.from), incidentTimesOf(record, now()));
  const opened = await translateOutage('slack', () =>
    threads.open({
      askedBy: { kind: 'alarm', alarmName: alarmNameOf(record), episode: episode.id },
      question: { loadBalancer: ref, ...window, now: now(), ...askedTogether(episode.alarms.map(({ asks }) => asks)) },
      channel,
      parentTs: null,
      id: episode.run,
      fresh: true,
    }),
  );
  if ('ended' in opened) opened.ended.catch(() => {});
  return opened;
}

/** Returns the run once its root message is posted, possibly by another process. Throws Unavailable. */
async function waitForRoot({ runs, now, sleep }: EpisodesContext, run: Run): Promise<Run> {
  const begun = now();
  let current: Run | null = run;
  while (current !== null && current.thread.root === null) {
    if (current.state === 'failed' || now() - begun > LEASE_LENGTH) break;
    await sleep(POLL_INTERVAL);
    current = await translateOutage('store', () => runs.read(run.id));
  }
  if (current === null || current.thread.root === null) throw new Unavailable('slack', 'the thread does not stand yet');
  return current;
}

/** Records the thread. Its first question and root message already cover all actions recorded in `record`. */
async function recordThread(
  context: EpisodesContext,
  history: History,
  record: EpisodeRecord,
  { run, channel }: { run: Run; channel: string },
): Promise<History> {
  const shown = record.pending.filter(({ kind }) => kind === 'refresh' || kind === 'ask-again');
  const open = await changeRecord(context, history, record, (current) => ({
    ...withDone(current, shown),
    channel,
    thread: { state: 'open' },
    episode: { ...current.episode, run: run.id },
  }));
  context.log.info({ run: run.id, episode: record.episode.id, channel, alarm: alarmNameOf(record) }, 'thread opened');
  context.announcements.signal();
  return open;
}

/** Assigns another channel if this one refused; throws Unavailable for failures worth a retry. */
async function moveElsewhere(
  context: EpisodesContext,
  history: History,
  record: EpisodeRecord,
  refused: Extract<OpenResult, { refused: string }> & { channel: string; other: string | null },
): Promise<History> {
  const { reason, refusal, refused: sentence, channel, other } = refused;
  if (reason === 'too-many') throw new Unavailable('busy', sentence);
  if (reason === 'store') throw new Unavailable('store', sentence);
  if (reason === 'closing') throw new Unavailable('stopping', sentence);
  if (reason === 'defect') throw new Error(sentence);
  if (refusal === undefined || refusal.refused === 'unreachable') throw new Unavailable('slack', sentence);
  const { code } = refusal;
  context.log.error(
    { channel, code, episode: record.episode.id },
    'could not open a thread in the channel of an alarm',
  );
  if (other === null) {
    context.backoffs.recordFailure(channel, sentence);
    throw new Unavailable('channel', sentence);
  }
  // The refused run keeps its channel, so the thread gets a new run.
  const run = newRunId(context.now());
  return changeRecord(context, history, record, (current) => ({
    ...withPending(current, {
      kind: 'say-misplaced',
      channel,
      code: refusal.refused === 'not-in-channel' ? null : code,
    }),
    channel: other,
    episode: { ...current.episode, run },
  }));
}
