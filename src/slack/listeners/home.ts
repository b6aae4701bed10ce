/** The home of the bot: what this person asked lately, what may be asked about, and whether it works. */
import type { App } from '@slack/bolt';
import type { Desk } from '../ask.ts';
import { homeView } from '../messages/index.ts';

/** Of all that is kept, so many of the newest are looked through. */
const LOOKED_THROUGH = 100;
const SHOWN = 10;
const NAMED = 20;

type Home = Parameters<typeof homeView>[0];

/** `failures`: why load balancers could not be listed. */
export function onHome(app: App, desk: Desk, failures: () => readonly string[]): void {
  app.event('app_home_opened', async ({ event, body }) => {
    if (event.tab !== 'home') return;
    const { user } = event;
    const decision = await desk.allowed({ user, teams: [body.team_id], channel: null });
    const home: Home =
      'refused' in decision
        ? { recent: [], configured: [], health: [decision.refused] }
        : {
            recent: await askedBy(desk, user),
            configured: decision.accounts.map((account) => listed(desk, account)),
            health: failures().filter((one) => decision.accounts.some((account) => one.startsWith(account))),
          };
    await desk.slack.views.publish({ user_id: user, view: homeView(home) });
  });
}

/** Only this person's own: who may see another's channel is not known here. */
async function askedBy({ runs }: Desk, user: string): Promise<Home['recent']> {
  const all = await runs.recent(LOOKED_THROUGH);
  const mine = all.filter(({ askedBy: by }) => by.kind === 'person' && by.user === user).slice(0, SHOWN);
  return Promise.all(
    mine.map(async (run) => {
      const diagnosis = await runs.diagnosis(run.id);
      return { run, verdict: diagnosis?.verdict.summary ?? null };
    }),
  );
}

function listed({ investigator }: Desk, account: string): string {
  const names = investigator.known().flatMap((one) => (one.account === account ? [one.name] : []));
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return `${account}: ${names.slice(0, NAMED).join(', ') || 'no load balancer is known'}${more}`;
}
