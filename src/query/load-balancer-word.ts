/** Recognizes load balancers by name, ARN, app/name/id, DNS name, URL or console link. Pure. */

const NAME = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?';
const ARN = `arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:loadbalancer/app/${NAME}/[A-Za-z0-9]+`;
/** `<name>-<number>.<region>.elb.amazonaws.com`, optionally prefixed with "internal-" or "dualstack.". */
const DNS = '(?:[A-Za-z0-9-]{1,80}[.]){1,2}[a-z0-9-]{1,30}[.]elb[.]amazonaws[.]com(?:[.]cn)?';

/**
 * Whether a word can be a name: at most 32 letters, digits and hyphens (API reference, CreateLoadBalancer). Rejects
 * digits alone, which are more likely a mistyped status.
 */
export const isLoadBalancerName = (word: string): boolean =>
  new RegExp(`^${NAME}$`).test(word) && !/^[0-9]+$/.test(word);

const WHOLE = new RegExp(`^(?:${ARN}|app/${NAME}/[A-Za-z0-9]+|${DNS})$`, 'i');
/** The ARN of a listener or rule, which contains that of its load balancer. */
const PART = new RegExp(`^arn:aws[a-z-]*:elasticloadbalancing:[^/]*:listener(?:-rule)?/(app/${NAME}/[A-Za-z0-9]+)/`);
const WITHIN = [new RegExp(ARN), new RegExp(String.raw`\bapp/${NAME}/[0-9a-f]{8,}\b`), new RegExp(DNS, 'i')];

/**
 * Returns the ARN, app/name/id or DNS name that a word is, or that a URL or console link contains; null if there is
 * none.
 */
export function loadBalancerIn(word: string): string | null {
  if (WHOLE.test(word)) return word;
  const owner = PART.exec(word)?.[1];
  if (owner !== undefined) return owner;
  if (!/^https?:/i.test(word)) return null;
  const text = decode(word);
  for (const pattern of WITHIN) {
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) return found;
  }
  return null;
}

/** The kind of load balancer that a word names, if alb502 does not explain it; the ARN of a classic one has no kind. */
export function otherKindIn(word: string): 'Network' | 'Gateway' | 'Classic' | null {
  const [, kind] = /(?:^|:loadbalancer\/)(net|gwy)\/[A-Za-z0-9-]+\//.exec(word) ?? [];
  if (kind !== undefined) return kind === 'net' ? 'Network' : 'Gateway';
  return /^arn:[^:]+:elasticloadbalancing:[^:]*:[0-9]*:loadbalancer\/[A-Za-z0-9-]+$/.test(word) ? 'Classic' : null;
}

/** Decodes console links, which escape ARNs once or twice. */
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
