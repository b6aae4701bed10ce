/** Finds the load balancer of an alert, among those that this channel may ask about, by its name or by the alarm. */

import { type NamedAlarm, readAlert } from './pasted-alert.ts';
import type { SlackContext } from './slack-context.ts';

/** `candidates`: several names, for the user to choose from. */
type AlertSubject = { loadBalancer: string } | { candidates: string[] } | null;

/** Milliseconds for DescribeAlarms: someone is waiting, and a form can be opened for only three seconds. */
const LOOKUP_TIMEOUT = 1_500;

export type SubjectContext = Pick<SlackContext, 'investigator' | 'loadBalancersOfAlarm' | 'log' | 'signal'>;

/** The load balancers of these accounts. */
export const listed = ({ investigator }: Pick<SlackContext, 'investigator'>, accounts: readonly string[]) =>
  investigator.listLoadBalancers().filter(({ account }) => accounts.includes(account));

/** Never throws: if the alarm cannot be looked up, there is no subject. */
export async function alertSubject(
  context: SubjectContext,
  message: unknown,
  accounts: readonly string[],
): Promise<AlertSubject> {
  const reading = readAlert(message, listed(context, accounts));
  return reading === null || !('alarm' in reading) ? reading : subjectOfAlarm(context, reading, accounts);
}

/** The load balancers of an alarm. Never throws: null if it cannot be looked up. */
export async function subjectOfAlarm(
  context: SubjectContext,
  alarm: NamedAlarm,
  accounts: readonly string[],
): Promise<AlertSubject> {
  const { loadBalancersOfAlarm, log, signal } = context;
  try {
    const found = await loadBalancersOfAlarm(alarm, AbortSignal.any([signal, AbortSignal.timeout(LOOKUP_TIMEOUT)]));
    // An alarm must not reveal load balancers that this channel may not ask about.
    const mine = listed(context, accounts).filter(({ arn }) =>
      found.some((id) => arn?.endsWith(`:loadbalancer/${id}`)),
    );
    const [one, other] = mine;
    if (one === undefined) return null;
    return other === undefined ? { loadBalancer: one.arn ?? one.name } : { candidates: mine.map(({ name }) => name) };
  } catch (error) {
    log.info({ err: error }, 'the alarm of an alert could not be looked up');
    return null;
  }
}
