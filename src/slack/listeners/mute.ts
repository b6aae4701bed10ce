/** The menu that mutes alarms: records the mute in the run store, and says so in the thread; the root says who did it. */

import type { Episode } from '../../runs/episode.ts';
import type { Mute } from '../../runs/mutes.ts';
import type { Run } from '../../runs/run.ts';
import { answerPrivately } from '../ephemeral-reply.ts';
import { privateMessage } from '../messages/index.ts';
import { MUTE_CHOICES, type MuteChoice, mutedMessage, unmutedMessage } from '../messages/mute-messages.ts';
import type { SlackContext } from '../slack-context.ts';
import type { Press } from './press.ts';

export const isMuteChoice = (what: string): what is MuteChoice => MUTE_CHOICES.some((choice) => choice === what);

export async function muteAlarms(context: SlackContext, choice: MuteChoice, press: Press): Promise<void> {
  const { run, who, respond, thread } = press;
  const { mutes, now, config } = context;
  const say = (sentence: string) => answerPrivately(context, respond, privateMessage(sentence), thread);
  const episode = await context.episodeOf(run);
  if (episode === null) return say('Only threads of alarms can be muted.');
  const about = { loadBalancer: episode.loadBalancer };
  const alarms = episode.alarms.map(({ arn, name }) => ({ kind: 'alarm' as const, key: arn, name, ...about }));
  if (choice === 'unmute') {
    const removed = await mutes.remove(subjectOf(episode));
    if (removed.length === 0) return say('Nothing of this thread is muted.');
    await showUnmuted(context, episode.loadBalancer);
    return tell(unmutedMessage(removed), `unmute-${now()}`);
  }
  const loadBalancer = {
    kind: 'load-balancer' as const,
    key: episode.loadBalancer,
    name: run.loadBalancer.name,
    ...about,
  };
  const muted = await mutes.add(
    choice === 'mute-load-balancer' ? [loadBalancer] : alarms,
    who.user,
    config.alarms.muteHours,
  );
  const [first] = muted;
  if (first !== undefined) {
    await context.runs.change(run.id, (current) => ({ ...current, muted: mutedBy(first) }));
    await context.threads.refresh(run.id);
  }
  return tell(mutedMessage(muted), `mute-${now()}`);

  /** Posts a reply for each press, because a second press may extend the mute. */
  async function tell(message: ReturnType<typeof mutedMessage>, key: string): Promise<void> {
    const posted = await context.threads.reply(run.id, key, message);
    if (posted !== 'already' && !('ts' in posted))
      await say('It is done, but Slack did not take the reply that says so.');
  }
}

/** Newest runs to read. */
const MAX_RUNS_READ = 100;

const mutedBy = ({ user, until, kind }: Mute): Run['muted'] => ({ user, until, what: kind });

const subjectOf = ({ loadBalancer, alarms }: Episode) => ({ loadBalancer, alarms: alarms.map(({ arn }) => arn) });

/**
 * A mute undone in one thread ends for all: edits every root message of the load balancer that shows a mute, to show the
 * one that is still in force, if any.
 */
async function showUnmuted(context: SlackContext, loadBalancer: string): Promise<void> {
  const { runs, threads, mutes, episodeOf } = context;
  const shown = (await runs.recent(MAX_RUNS_READ)).filter(
    (run) => run.loadBalancer.arn === loadBalancer && run.muted !== undefined,
  );
  for (const run of shown) {
    const episode = await episodeOf(run);
    const mute = episode === null ? null : await mutes.find(subjectOf(episode));
    await runs.change(run.id, ({ muted: _, ...rest }) => (mute === null ? rest : { ...rest, muted: mutedBy(mute) }));
    await threads.refresh(run.id);
  }
}
