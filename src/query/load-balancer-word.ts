/** How people name a load balancer: by name, ARN, app/name/id, DNS name, address or console link. Pure. */

const NAME = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?';
const ARN = `arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:loadbalancer/app/${NAME}/[A-Za-z0-9]+`;
/** `<name>-<number>.<region>.elb.amazonaws.com`, with "internal-" or "dualstack." before it. */
const DNS = '(?:[A-Za-z0-9-]{1,80}[.]){1,2}[a-z0-9-]{1,30}[.]elb[.]amazonaws[.]com(?:[.]cn)?';

/**
 * Names have at most 32 letters, digits and hyphens (API reference, CreateLoadBalancer). One of digits alone is rather a mistyped
 * status.
 */
export const isLoadBalancerName = (word: string): boolean =>
  new RegExp(`^${NAME}$`).test(word) && !/^[0-9]+$/.test(word);

const WHOLE = new RegExp(`^(?:${ARN}|app/${NAME}/[A-Za-z0-9]+|${DNS})$`, 'i');
const WITHIN = [new RegExp(ARN), new RegExp(String.raw`\bapp/${NAME}/[0-9a-f]{8,}\b`), new RegExp(DNS, 'i')];

/** The ARN, app/name/id or DNS name that a word is, or holds where it is an address or a console link; null where there is none. */
export function loadBalancerIn(word: string): string | null {
  if (WHOLE.test(word)) return word;
  if (!/^https?:/i.test(word)) return null;
  const text = decode(word);
  for (const pattern of WITHIN) {
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) return found;
  }
  return null;
}

/** Whether it names a load balancer that alb502 does not explain. */
export const isOtherKind = (word: string): boolean => /(?:^|:loadbalancer\/)(?:net|gwy)\/[A-Za-z0-9-]+\//.test(word);

/** Console links escape ARNs, some twice. */
function decode(text: string): string {
  let decoded = text;
  for (let times = 0; times < 2; times += 1) {
    try {
      decoded = decodeURIComponent(decoded);
    } catch {
      return decoded;
    }
  }
  return decoded;
}
