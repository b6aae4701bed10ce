/** Where a command looks: what the question names, then the option, then the configuration, then the environment. */
import type { Account } from '../../config.ts';
import type { Session } from './session.ts';

export interface PlaceOptions {
  region?: string | undefined;
  profile?: string | undefined;
}

/** `loadBalancer`: as it was typed; an ARN or a DNS name says the region. */
export async function sessionsFor(
  loadBalancer: string | null,
  accounts: readonly Account[],
  { region: asked, profile }: PlaceOptions,
  limits: Pick<Session, 'signal' | 'deadline'>,
): Promise<Session[]> {
  const { openSession, standardRegion } = await import('./session.ts');
  const named = regionIn(loadBalancer ?? '') ?? asked;
  const each = accounts.map(async ({ name, roleArn, externalId, regions }) => {
    const places = named !== undefined ? [named] : regions.length > 0 ? regions : [await standardRegion(profile)];
    return places.map((region) => openSession({ account: name, roleArn, externalId, profile, region }, limits));
  });
  return (await Promise.all(each)).flat();
}

/** The region in an ARN or a DNS name (`<name>-<number>.<region>.elb.amazonaws.com`). */
const regionIn = (asked: string): string | undefined =>
  /^arn:[^:]*:elasticloadbalancing:([^:]+):/.exec(asked)?.[1] ??
  /\.([a-z0-9-]+)\.elb\.amazonaws\.com(\.cn)?\.?$/i.exec(asked)?.[1]?.toLowerCase();
