/** The Home tab: load balancers to ask about, open alarms, recent diagnoses, failures. */

import type { App } from '@slack/bolt';
import type { ListingFailure } from '../../investigate/live.ts';
import { homeView } from '../messages/index.ts';
import type { SlackContext } from '../slack-context.ts';

/** Newest runs to read. */
const MAX_RUNS_READ = 100;
const MAX_RUNS_SHOWN = 10;
const MAX_EPISODES = 10;

type Home = Parameters<typeof homeView>[0];

/** `failures`: why load balancers could not be listed. */
export function onHome(app: App, context: SlackContext, failures: () => readonly ListingFailure[]): void {
  app.event('app_home_opened', async ({ event, body }) => {
    if (event.tab !== 'home') return;
    const { user } = event;
    const decision = await context.authorize({ user, teams: [body.team_id], channel: null });
    const home: Home =
      'refused' in decision
        ? { refusal: decision.refused, accounts: [], open: [], muted: [], recent: [], failures: [] }
        : await homeOf(context, user, decision.accounts, failures());
    await context.slack.views.publish({ user_id: user, view: homeView(home) });
  });
}

/**
 * Shows only accounts open to every channel, because the person's access to other channels is unknown here: their own
 * questions and alarms, not other people's questions.
 */
async function homeOf(
  { runs, investigator, episodeOf, mutes }: SlackContext,
  user: string,
  accounts: readonly string[],
  failures: readonly ListingFailure[],
): Promise<Home> {
  const known = investigator.listLoadBalancers();
  const all = (await runs.recent(MAX_RUNS_READ)).filter(({ loadBalancer }) => accounts.includes(loadBalancer.account));
  const mine = all.filter(({ askedBy }) => askedBy.kind === 'person' && askedBy.user === user);
  const alarms = all.filter(({ askedBy }) => askedBy.kind === 'alarm').slice(0, 2 * MAX_EPISODES);
  const episodes = await Promise.all(alarms.map(async (run) => ({ run, episode: await episodeOf(run) })));
  return {
    refusal: null,
    accounts: accounts.map((account) => ({
      account,
      loadBalancers: known.flatMap((one) => (one.account === account ? [one.name] : [])),
    })),
    open: episodes
      .flatMap(({ run, episode }) => (episode === null || episode.closedAt !== null ? [] : [{ run, episode }]))
      .slice(0, MAX_EPISODES),
    muted: (await mutes.all()).filter(({ kind, key, loadBalancer = kind === 'alarm' ? null : key }) =>
      known.some(({ arn, account }) => arn !== null && arn === loadBalancer && accounts.includes(account)),
    ),
    recent: await Promise.all(
      mine.slice(0, MAX_RUNS_SHOWN).map(async (run) => ({ run, diagnosis: await runs.diagnosis(run.id) })),
    ),
    failures: failures.flatMap(({ account, sentence }) => (accounts.includes(account) ? [sentence] : [])),
  };
}
