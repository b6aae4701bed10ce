/** The TLS policy that the load balancer uses for HTTPS target groups. */
import type { Listener } from '../../evidence/aws.ts';

/**
 * By part of the listener policy's name; the first match counts (describe-ssl-policies.html, back-end connections).
 */
const BACK_END_POLICIES: readonly (readonly [part: RegExp, policy: string])[] = [
  [/RFC9151/, 'ELBSecurityPolicy-TLS13-1-2-RFC9151-INTEROP4-FIPS-2023-07'],
  [/FIPS-PQ/, 'ELBSecurityPolicy-TLS13-1-0-FIPS-PQ-2025-09'],
  [/FIPS/, 'ELBSecurityPolicy-TLS13-1-0-FIPS-2023-04'],
  [/-PQ-/, 'ELBSecurityPolicy-TLS13-1-0-PQ-2025-09'],
  [/TLS13/, 'ELBSecurityPolicy-TLS13-1-0-2021-06'],
];

/**
 * Returns the policy for connections to targets, given the listener's policy. HTTP listeners have no policy, but the
 * load balancer uses one for targets.
 */
export const backEndPolicy = ({ SslPolicy = '' }: Pick<Listener, 'SslPolicy'>): string =>
  BACK_END_POLICIES.find(([part]) => part.test(SslPolicy))?.[1] ?? 'ELBSecurityPolicy-2016-08';
