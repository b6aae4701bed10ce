/** Suggests load balancers while a user types, from the last listing and without calling AWS. */

import type { App, types } from '@slack/bolt';
import type { LoadBalancerRef } from '../../investigate/investigator.ts';
import { requesterOf } from '../authorization.ts';
import { INPUTS } from '../messages/actions.ts';
import type { SlackContext } from '../slack-context.ts';
import { formOrigin } from './form.ts';

/** Slack's limits: options, characters of a text and of a value. */
const MAX_OPTIONS = 100;
const MAX_TEXT = 75;
const MAX_VALUE = 150;

export function onOptions(app: App, context: SlackContext): void {
  app.options<'block_suggestion'>(INPUTS.loadBalancer, async ({ ack, options }) => {
    const { view } = options;
    // Not the channel picked in the form, which a client may forge.
    const channel = view === undefined ? null : formOrigin(context, view, options.user.id).channel;
    const decision = await context.authorize(requesterOf(options, channel ?? options.channel?.id ?? null));
    const accounts = 'accounts' in decision ? decision.accounts : [];
    const mine = context.investigator.listLoadBalancers().filter(({ account }) => accounts.includes(account));
    await ack({ options: matchLoadBalancers(mine, options.value).map(toOption) });
  });
  app.options<'block_suggestion'>(new RegExp(`^(?!${INPUTS.loadBalancer}$)`), ({ ack }) => ack({ options: [] }));
}

/** Load balancers whose name contains the typed text; those that start with it first. */
export function matchLoadBalancers(loadBalancers: readonly LoadBalancerRef[], typed: string): LoadBalancerRef[] {
  const words = typed.trim().toLowerCase();
  const fits = loadBalancers.filter(
    ({ name, arn }) => name.toLowerCase().includes(words) || arn?.toLowerCase() === words,
  );
  const begins = fits.filter(({ name }) => name.toLowerCase().startsWith(words));
  return [...begins, ...fits.filter((one) => !begins.includes(one))].slice(0, MAX_OPTIONS);
}

/** The value is the ARN, or the name if the ARN is too long. */
export function toOption({ name, arn, account, region }: LoadBalancerRef): types.PlainTextOption {
  const place = account === 'default' ? region : `${region}, ${account}`;
  return {
    text: { type: 'plain_text', text: name.slice(0, MAX_TEXT), emoji: false },
    description: { type: 'plain_text', text: place.slice(0, MAX_TEXT), emoji: false },
    value: arn !== null && arn.length <= MAX_VALUE ? arn : name,
  };
}
