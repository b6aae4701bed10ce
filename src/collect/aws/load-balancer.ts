/** Elastic Load Balancing: finds the load balancer that a user means, and reads its configuration. */
import {
  DescribeLoadBalancerAttributesCommand,
  ElasticLoadBalancingV2Client,
  paginateDescribeListeners,
  paginateDescribeLoadBalancers,
  paginateDescribeRules,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import * as z from 'zod';
import { AttributeList, type Attributes, Listener, LoadBalancer, Rule } from '../../evidence/aws.ts';
import type { CollectionFailure } from '../../evidence/collected.ts';
import { plural } from '../../format/wording.ts';
import { Problem } from '../../problem.ts';
import {
  AmbiguousName,
  type Candidate,
  findLoadBalancer,
  loadBalancerNameIn,
  resourceOf,
} from '../find-load-balancer.ts';
import { assumeRoleProblem, awsErrorKind, awsProblem, collectionFailure } from './aws-errors.ts';
import { type Call, collectItems, interruptedProblem, toCliJson } from './call.ts';
import type { Session } from './session.ts';

/** Maximum items of a page (API reference, DescribeLoadBalancers and others). */
const PageSize = 400;

const ACTION = 'elasticloadbalancing:DescribeLoadBalancers';

export interface FoundLoadBalancer {
  session: Session;
  name: string;
  arn: string;
  /** The description, or why only the ARN is known. */
  described: { value: LoadBalancer } | CollectionFailure;
  /** A sentence, if another match may exist in an account or region that did not answer. */
  ambiguityNote?: string;
}

/**
 * A load balancer named by its ARN in a single account and region, so that calls that take the ARN need not wait for
 * its description. Null for anything else. `described` rejects like `findLive`.
 */
export function knownByArn(nameOrArn: string, sessions: readonly Session[], search: Promise<FoundLoadBalancer>) {
  const [session, another] = sessions;
  const name = /^arn:[^:]+:elasticloadbalancing:[^:]+:[0-9]+:loadbalancer[/]app[/]([^/]+)[/][^/]+$/.exec(
    nameOrArn,
  )?.[1];
  if (session === undefined || another !== undefined || name === undefined) return null;
  const described = search.then((found) => found.described);
  // The collector of the load balancer handles the rejection.
  described.catch(() => {});
  return { session, name, arn: nameOrArn, described };
}

type Match = Candidate & FoundLoadBalancer;

/**
 * Looks for the load balancer in all sessions in parallel, requesting the exact name and the full list (for partial
 * names) together, in one round trip. Throws Problem: exit 1 with the candidates if none or several match, exit 2 if
 * AWS does not answer.
 */
export async function findLive(nameOrArn: string, sessions: readonly Session[]): Promise<FoundLoadBalancer> {
  assertArnOfApplication(nameOrArn);
  const outcomes = await Promise.allSettled(sessions.map((session) => fetchCandidates(session, nameOrArn)));
  if (sessions.some(({ signal }) => signal.aborted)) throw interruptedProblem();
  const matches = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
  const failures = outcomes.flatMap((outcome, at) => {
    const session = sessions[at];
    return outcome.status === 'rejected' && session ? [{ session, error: outcome.reason as unknown }] : [];
  });
  const where = ` in ${sessions.map(describePlace).join(', ')}`;
  const [failure] = failures;
  try {
    const found = findLoadBalancer(nameOrArn, matches, where);
    // An ARN, app/name/id or DNS name is unique; a name may also exist elsewhere.
    const isOfOtherKind = failure?.error instanceof Problem && failure.error.exitCode === 1;
    if (failure === undefined || isOfOtherKind || /[/.]/.test(nameOrArn)) return found;
    const why = lookupProblem(failure.error, failure.session).message;
    const more = failures.length > 1 ? `, nor in ${plural(failures.length - 1, 'more place')}` : '';
    const ambiguityNote = `Could not check whether there is another '${nameOrArn}' in ${describePlace(failure.session)}${more}: ${why}`;
    return { ...found, ambiguityNote };
  } catch (error) {
    if (error instanceof AmbiguousName) throw error;
    await assertNoClassic(nameOrArn, sessions);
    if (failure === undefined) throw error;
    const { session } = failure;
    const call = { action: ACTION, ...session.place };
    if (resourceOf(nameOrArn) !== null && awsErrorKind(failure.error).startsWith('denied')) {
      return {
        session,
        name: loadBalancerNameIn(nameOrArn),
        arn: nameOrArn,
        described: collectionFailure(failure.error, call),
      };
    }
    const problem = lookupProblem(failure.error, session);
    const searched = sessions.filter((one) => failures.every((other) => other.session !== one)).map(describePlace);
    throw searched.length === 0
      ? problem
      : new Problem(`No load balancer '${nameOrArn}' in ${searched.join(', ')}. ${problem.message}`, problem.exitCode);
  }
}

const lookupProblem = (error: unknown, { place }: Session): Problem =>
  error instanceof Problem ? error : awsProblem(error, { action: ACTION, ...place });

/** Lists every Application Load Balancer of an account and region. Throws Problem (exit 2) if AWS does not answer. */
export async function listLive(session: Session): Promise<{ name: string; arn: string }[]> {
  await assertCredentials(session);
  try {
    const all = await loadBalancers(session, {});
    return all.filter(isApplication).map((one) => ({ name: one.LoadBalancerName, arn: one.LoadBalancerArn }));
  } catch (error) {
    if (session.signal.aborted) throw interruptedProblem();
    throw error instanceof Problem ? error : awsProblem(error, { action: ACTION, ...session.place });
  }
}

const describePlace = ({ place: { account, region } }: Session): string =>
  account === 'default' ? region : `${region} of ${account}`;

/** Returns the load balancer of that name or ARN, else all of them. */
async function fetchCandidates(session: Session, nameOrArn: string): Promise<Match[]> {
  await assertCredentials(session);
  const rest = new AbortController();
  const all = loadBalancers(session, {}, rest.signal);
  all.catch(() => {});
  const [exact] = /^[\w-]+$|app\//.test(nameOrArn) ? await loadBalancers(session, lookupInput(nameOrArn)) : [];
  if (exact !== undefined) rest.abort();
  const found = exact === undefined ? await all : [exact];
  assertNoOtherKind(session, nameOrArn, found);
  return found.filter(isApplication).map((one) => toMatch(session, one));
}

/** Other kinds, by Type of DescribeLoadBalancers and by what follows loadbalancer/ in an ARN. */
const OTHER_KINDS: Record<string, string> = {
  network: 'a Network Load Balancer',
  net: 'a Network Load Balancer',
  gateway: 'a Gateway Load Balancer',
  gwy: 'a Gateway Load Balancer',
  classic: 'a Classic Load Balancer',
};

/**
 * Throws Problem (exit 1) if the typed text is exactly the name, ARN or DNS name of a load balancer of another kind.
 */
function assertNoOtherKind(session: Session, typed: string, found: readonly LoadBalancer[]): void {
  const own = found.find(
    ({ LoadBalancerName, LoadBalancerArn, DNSName }) =>
      [LoadBalancerName, LoadBalancerArn].includes(typed) || DNSName?.toLowerCase() === typed.toLowerCase(),
  );
  if (own !== undefined && !isApplication(own))
    throw otherKind(own.LoadBalancerName, own.Type ?? '', describePlace(session));
}

const otherKind = (name: string, kind: string, place: string): Problem =>
  new Problem(
    `'${name}' in ${place} is ${OTHER_KINDS[kind] ?? `a load balancer of type ${kind}`}; alb502 diagnoses Application Load Balancers.`,
    1,
  );

/**
 * Throws Problem (exit 1) for the name of a Classic Load Balancer. The older version of the API describes them and needs
 * the same permission. Errors are ignored: the caller already reports that the name was not found.
 */
async function assertNoClassic(typed: string, sessions: readonly Session[]): Promise<void> {
  if (!/^[\w-]+$/.test(typed)) return;
  const { DescribeLoadBalancersCommand, ElasticLoadBalancingClient } = await import(
    '@aws-sdk/client-elastic-load-balancing'
  );
  const named = await Promise.all(
    sessions.map(async (session) => {
      const asked = new DescribeLoadBalancersCommand({ LoadBalancerNames: [typed] });
      const answer = session.client(ElasticLoadBalancingClient).send(asked, { abortSignal: session.signal });
      return (await answer.catch(() => null))?.LoadBalancerDescriptions?.length ? [session] : [];
    }),
  );
  const [session] = named.flat();
  if (session !== undefined) throw otherKind(typed, 'classic', describePlace(session));
}

/** Throws Problem (exit 1) for an ARN of another kind: a Classic Load Balancer's ARN ends with its name. */
function assertArnOfApplication(nameOrArn: string): void {
  const [, region = '', kind, name = ''] =
    /^arn:[^:]+:elasticloadbalancing:([^:]*):[0-9]*:loadbalancer\/(?:([a-z]+)\/)?([^/]+)/.exec(nameOrArn) ?? [];
  if (name !== '' && kind !== 'app') throw otherKind(name, kind ?? 'classic', region);
}

/** Resolves the credentials, which the clients then reuse. Throws Problem (exit 2). */
export async function assertCredentials({ settings, place }: Session): Promise<void> {
  try {
    await settings.credentials();
  } catch (error) {
    throw place.roleArn === undefined
      ? awsProblem(error, { action: ACTION, ...place })
      : assumeRoleProblem(error, place);
  }
}

const lookupInput = (nameOrArn: string) =>
  nameOrArn.startsWith('arn:') ? { LoadBalancerArns: [nameOrArn] } : { Names: [loadBalancerNameIn(nameOrArn)] };

const toMatch = (session: Session, described: LoadBalancer): Match => ({
  session,
  name: described.LoadBalancerName,
  arn: described.LoadBalancerArn,
  dns: described.DNSName,
  place: describePlace(session),
  described: { value: described },
});

/** Load balancers of every kind; empty if the name or ARN is unknown. */
async function loadBalancers(
  session: Session,
  input: { Names?: string[]; LoadBalancerArns?: string[] },
  until?: AbortSignal,
): Promise<LoadBalancer[]> {
  const signals = [session.signal, AbortSignal.timeout(session.deadline), ...(until ? [until] : [])];
  const pages = paginateDescribeLoadBalancers(
    { client: session.client(ElasticLoadBalancingV2Client) },
    { ...input, ...(Object.keys(input).length === 0 ? { PageSize } : {}) },
    { abortSignal: AbortSignal.any(signals) },
  );
  try {
    const items = await collectItems(pages, (page) => page.LoadBalancers);
    return z.array(LoadBalancer).parse(toCliJson(items));
  } catch (error) {
    const isUnknown = error instanceof Error && /^(LoadBalancerNotFound|ValidationError)/.test(error.name);
    if (isUnknown && Object.keys(input).length > 0) return [];
    throw error;
  }
}

const isApplication = ({ Type }: LoadBalancer): boolean => Type === undefined || Type === 'application';

const client = ({ session }: Call) => session.client(ElasticLoadBalancingV2Client);

/** Converts attribute lists to a record of key to value. */
export const parseAttributes = (answer: unknown): Attributes =>
  Object.fromEntries(AttributeList.parse(toCliJson(answer)).Attributes.map(({ Key, Value }) => [Key, Value]));

export async function fetchAttributes(call: Call, LoadBalancerArn: string): Promise<Attributes> {
  const command = new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn });
  return parseAttributes(await client(call).send(command, call.options));
}

export async function fetchListeners(call: Call, LoadBalancerArn: string): Promise<Listener[]> {
  const pages = paginateDescribeListeners({ client: client(call) }, { LoadBalancerArn, PageSize }, call.options);
  return z.array(Listener).parse(toCliJson(await collectItems(pages, (page) => page.Listeners)));
}

/** By listener ARN. */
export async function fetchRules(call: Call, listeners: readonly Listener[]): Promise<Record<string, Rule[]>> {
  const each = listeners.map(async ({ ListenerArn }) => {
    const pages = paginateDescribeRules({ client: client(call) }, { ListenerArn, PageSize }, call.options);
    const rules = await collectItems(pages, (page) => page.Rules);
    return [ListenerArn, z.array(Rule).parse(toCliJson(rules))] as const;
  });
  return Object.fromEntries(await Promise.all(each));
}
