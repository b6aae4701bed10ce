/** Load balancers to pick from while somebody types: from the last listing, never a call to AWS. */
import type { App, types } from '@slack/bolt';
import type { LoadBalancerRef } from '../../investigate/investigator.ts';
import type { Desk } from '../ask.ts';
import { whoSigned } from '../authorization.ts';
import { INPUTS } from '../messages/actions.ts';
import { placeOf, valuesIn } from './form.ts';

/** The most that Slack takes, and the longest text and value of one. */
const MOST = 100;
const TEXT = 75;
const VALUE = 150;

export function onOptions(app: App, desk: Desk): void {
  app.options<'block_suggestion'>(INPUTS.loadBalancer, async ({ ack, options }) => {
    const { view } = options;
    const channel = view === undefined ? null : (valuesIn(view)(INPUTS.channel) ?? placeOf(view).channel);
    const decision = await desk.allowed(whoSigned(options, channel ?? options.channel?.id ?? null));
    const accounts = 'accounts' in decision ? decision.accounts : [];
    const mine = desk.investigator.known().filter(({ account }) => accounts.includes(account));
    await ack({ options: matching(mine, options.value).map(optionOf) });
  });
  app.options<'block_suggestion'>(new RegExp(`^(?!${INPUTS.loadBalancer}$)`), ({ ack }) => ack({ options: [] }));
}

/** Those whose name holds what was typed; first those that begin with it. */
export function matching(known: readonly LoadBalancerRef[], typed: string): LoadBalancerRef[] {
  const words = typed.trim().toLowerCase();
  const fits = known.filter(({ name, arn }) => name.toLowerCase().includes(words) || arn?.toLowerCase() === words);
  const begins = fits.filter(({ name }) => name.toLowerCase().startsWith(words));
  return [...begins, ...fits.filter((one) => !begins.includes(one))].slice(0, MOST);
}

/** An ARN says exactly which; should one be too long, the name has to. */
export function optionOf({ name, arn, account, region }: LoadBalancerRef): types.PlainTextOption {
  const place = account === 'default' ? region : `${region}, ${account}`;
  return {
    text: { type: 'plain_text', text: name.slice(0, TEXT), emoji: false },
    description: { type: 'plain_text', text: place.slice(0, TEXT), emoji: false },
    value: arn !== null && arn.length <= VALUE ? arn : name,
  };
}
