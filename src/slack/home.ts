/** The home of the bot: what this person asked lately, what may be asked about, and whether it works. */
import type { App } from '@slack/bolt';
import { homeView } from '../render/slack.ts';
import type { Desk } from './ask.ts';

/** Of all that is kept, so many of the newest are looked through. */
const LOOKED_THROUGH = 100;
const SHOWN = 10;

export function onHome(app: App, desk: Desk, failures: () => readonly string[]): void {
  app.event('app_home_opened', async ({ event, body }) => {
    if (event.tab !== 'home') return;
    const { user } = event;
    const decision = await desk.allowed({ user, teams: [body.team_id], channel: null });
    const mine =
      'refused' in decision
        ? []
        : (await desk.runs.recent(LOOKED_THROUGH)).filter(
            ({ askedBy }) => askedBy.kind === 'person' && askedBy.user === user,
          );
    void [mine.slice(0, SHOWN), failures, homeView];
  });
}
