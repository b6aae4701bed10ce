/** Load balancers to pick from while somebody types: from the last listing, never a call to AWS. */
import type { App, types } from '@slack/bolt';
import type { LoadBalancerRef } from '../../investigate/investigator.ts';
import type { SlackContext } from '../ask.ts';
import { requesterOf } from '../authorization.ts';
import { INPUTS } from '../messages/actions.ts';
import { formOrigin } from './form.ts';

/** The most that Slack takes, and the longest text and value of one. */
const MAX_OPTIONS = 100;
const MAX_TEXT = 75;
const MAX_VALUE = 150;

export function onOptions(app: App, context: SlackContext): void {
  app.options<'block_suggestion'>(INPUTS.loadBalancer, async ({ ack, options }) => {
    const { view } = options;
    // Not the channel that was picked in the form: a client may name any.
    const channel = view === undefined ? null : formOrigin(view).channel;
    const decision = await context.authorize(requesterOf(options, channel ?? options.channel?.id ?? null));
    const accounts = 'accounts' in decision ? decision.accounts : [];
    const mine = context.investigator.listLoadBalancers().filter(({ account }) => accounts.includes(account));
    await ack({ options: matchLoadBalancers(mine, options.value).map(toOption) });
  });
  app.options<'block_suggestion'>(new RegExp(`^(?!${INPUTS.loadBalancer}$)`), ({ ack }) => ack({ options: [] }));
}

/** Those whose name holds what was typed; first those that begin with it. */
export function matchLoadBalancers(loadBalancers: readonly LoadBalancerRef[], typed: string): LoadBalancerRef[] {
  const words = typed.trim().toLowerCase();
  const fits = loadBalancers.filter(
    ({ name, arn }) => name.toLowerCase().includes(words) || arn?.toLowerCase() === words,
  );
  const begins = fits.filter(({ name }) => name.toLowerCase().startsWith(words));
  return [...begins, ...fits.filter((one) => !begins.includes(one))].slice(0, MAX_OPTIONS);
}

/** An ARN says exactly which; should one be too long, the name has to. */
export function toOption({ name, arn, account, region }: LoadBalancerRef): types.PlainTextOption {
  const place = account === 'default' ? region : `${region}, ${account}`;
  return {
    text: { type: 'plain_text', text: name.slice(0, MAX_TEXT), emoji: false },
    description: { type: 'plain_text', text: place.slice(0, MAX_TEXT), emoji: false },
    value: arn !== null && arn.length <= MAX_VALUE ? arn : name,
  };
}
