/** The load balancer that an alert is about, of those that may be asked about: by what it names, or by the alarm it names. */
import type { SlackContext } from './ask.ts';
import { type NamedAlarm, readAlert } from './pasted-alert.ts';

/** `candidates` are several of which somebody has to pick. */
export type AlertSubject = { loadBalancer: string } | { candidates: string[] } | null;

/** Milliseconds for DescribeAlarms: who pasted an alert waits, and a form can be opened for three seconds only. */
const LOOKUP_TIMEOUT = 1_500;

/** Never throws: an alarm that cannot be looked up names nothing. */
export async function alertSubject(
  {
    investigator,
    loadBalancersOfAlarm,
    log,
    signal,
  }: Pick<SlackContext, 'investigator' | 'loadBalancersOfAlarm' | 'log' | 'signal'>,
  message: unknown,
  accounts: readonly string[],
): Promise<AlertSubject> {
  const known = investigator.listLoadBalancers().filter(({ account }) => accounts.includes(account));
  const reading = readAlert(message, known);
  if (reading === null || !('alarm' in reading)) return reading;
  try {
    const found = await loadBalancersOfAlarm(reading, AbortSignal.any([signal, AbortSignal.timeout(LOOKUP_TIMEOUT)]));
    // An alarm must not name what may not be asked about from here.
    const mine = known.filter(({ arn }) => found.some((id) => arn?.endsWith(`:loadbalancer/${id}`)));
    const [one, other] = mine;
    if (one === undefined) return null;
    return other === undefined ? { loadBalancer: one.arn ?? one.name } : { candidates: mine.map(({ name }) => name) };
  } catch (error) {
    log.info({ err: error }, 'the alarm of an alert could not be looked up');
    return null;
  }
}

/** Asks CloudWatch what an alarm is about: `app/<name>/<id>` each. */
export type LoadBalancersOfAlarm = (alarm: NamedAlarm, signal: AbortSignal) => Promise<string[]>;
