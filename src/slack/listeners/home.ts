/** The home of the bot: what this person asked lately, what may be asked about, and whether it works. */
import type { App } from '@slack/bolt';
import type { SlackContext } from '../ask.ts';
import { homeView } from '../messages/index.ts';

/** Of all that is kept, so many of the newest are looked through. */
const MAX_RUNS_READ = 100;
const MAX_RUNS_SHOWN = 10;
const MAX_NAMES = 20;

type Home = Parameters<typeof homeView>[0];

/** `failures`: why load balancers could not be listed. */
export function onHome(app: App, context: SlackContext, failures: () => readonly string[]): void {
  app.event('app_home_opened', async ({ event, body }) => {
    if (event.tab !== 'home') return;
    const { user } = event;
    const decision = await context.authorize({ user, teams: [body.team_id], channel: null });
    const home: Home =
      'refused' in decision
        ? { recent: [], configured: [], health: [decision.refused] }
        : {
            recent: await recentRunsOf(context, user, decision.accounts),
            configured: decision.accounts.map((account) => accountLine(context, account)),
            health: failures().filter((one) => decision.accounts.some((account) => one.startsWith(account))),
          };
    await context.slack.views.publish({ user_id: user, view: homeView(home) });
  });
}

/**
 * This person's own, of accounts that may be asked about anywhere: it is not known here whether they may still read the channels of
 * the others, or the channels other people asked in.
 */
async function recentRunsOf(
  { runs }: SlackContext,
  user: string,
  accounts: readonly string[],
): Promise<Home['recent']> {
  const all = await runs.recent(MAX_RUNS_READ);
  const mine = all
    .filter(
      ({ askedBy: by, loadBalancer }) =>
        by.kind === 'person' && by.user === user && accounts.includes(loadBalancer.account),
    )
    .slice(0, MAX_RUNS_SHOWN);
  return Promise.all(
    mine.map(async (run) => {
      const diagnosis = await runs.diagnosis(run.id);
      return { run, verdict: diagnosis?.verdict.summary ?? null };
    }),
  );
}

function accountLine({ investigator }: SlackContext, account: string): string {
  const names = investigator.listLoadBalancers().flatMap((one) => (one.account === account ? [one.name] : []));
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
  return `${account}: ${names.slice(0, MAX_NAMES).join(', ') || 'no load balancer is known'}${more}`;
}
