/**
 * Decides where a command looks: the place that the question names, then the option, the configuration, the
 * environment.
 */
import type { Account } from '../../config.ts';
import type { Session } from './session.ts';

interface PlaceOptions {
  region?: string | undefined;
  profile?: string | undefined;
}

/** `loadBalancer`: as typed; an ARN or a DNS name determines the region. */
export async function openSessions(
  loadBalancer: string | null,
  accounts: readonly Account[],
  { region: regionOption, profile }: PlaceOptions,
  limits: Pick<Session, 'signal' | 'deadline'>,
): Promise<Session[]> {
  const { openSession, standardRegion } = await import('./session.ts');
  const onlyRegion = regionIn(loadBalancer ?? '') ?? regionOption;
  const each = accounts.map(async ({ name, roleArn, externalId, regions }) => {
    const places =
      onlyRegion !== undefined ? [onlyRegion] : regions.length > 0 ? regions : [await standardRegion(profile)];
    return places.map((region) => openSession({ account: name, roleArn, externalId, profile, region }, limits));
  });
  return (await Promise.all(each)).flat();
}

/** The region in an ARN or a DNS name (`<name>-<number>.<region>.elb.amazonaws.com`). */
const regionIn = (nameOrArn: string): string | undefined =>
  /^arn:[^:]*:elasticloadbalancing:([^:]+):/.exec(nameOrArn)?.[1] ??
  /\.([a-z0-9-]+)\.elb\.amazonaws\.com(\.cn)?\.?$/i.exec(nameOrArn)?.[1]?.toLowerCase();
