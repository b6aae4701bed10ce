/** Finds the load balancer that a user means. Pure; recordings and AWS accounts follow the same rules. */
import { Problem } from '../problem.ts';
import { twoExamples } from '../query/examples.ts';

export interface Candidate {
  name: string;
  arn: string | null;
  /** app/name/id if it is known and the ARN is not. */
  resource?: string;
  /** DNS name as AWS prints it. */
  dns?: string | undefined;
  /** Its region or account, when candidates of several are compared. */
  place?: string | undefined;
}

/** A name that matches several load balancers. */
export class AmbiguousName extends Problem {}

const SHOWN = 10;

/** Lists candidates by name, or by a longer identifier if names are ambiguous or the user gave another id. */
const listCandidates = (candidates: readonly Candidate[], typed: string): string => {
  const names = candidates.map(({ name }) => name).sort();
  const duplicated = new Set(names.filter((name, position) => names.indexOf(name) !== position));
  const shown = candidates
    .map(({ name, arn, resource, place }) => {
      if (!duplicated.has(name) && name !== loadBalancerNameIn(typed)) return name;
      return place === undefined ? (resourceOf(arn) ?? resource ?? name) : `${arn ?? name} in ${place}`;
    })
    .sort();
  const more = shown.length - SHOWN;
  return shown.slice(0, SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '');
};

/** `app/<name>/<id>` of a load balancer ARN: the `elb` field of the access log and the CloudWatch dimension. */
export function resourceOf(arn: string | null): string | null {
  return arn === null ? null : (/:loadbalancer\/(app\/[^/]+\/[^/]+)$/.exec(arn)?.[1] ?? null);
}

/** The text itself if it is app/name/id, else null. */
export const asResource = (text: string): string | null => (/^app\/[^/]+\/[^/]+$/.test(text) ? text : null);

/** The name in `arn:…:loadbalancer/app/<name>/<id>`, in `app/<name>/<id>`, or the text itself. */
export function loadBalancerNameIn(text: string): string {
  return /(?:^|:loadbalancer\/)app\/([^/]+)\/[^/]+$/.exec(text)?.[1] ?? text;
}

const plainDns = (dns: string): string =>
  dns
    .toLowerCase()
    .replace(/^dualstack\./, '')
    .replace(/\.$/, '');

/**
 * The one candidate matching a name, an ARN, app/name/id, a DNS name or a unique part of a name. Throws Problem (exit
 * 1) with the candidates if none or several match; `where` says where the search ran, such as " in eu-west-1".
 */
export function findLoadBalancer<T extends Candidate>(typed: string, candidates: readonly T[], where = ''): T {
  const text = typed.trim();
  const lower = text.toLowerCase();
  const rules: ((candidate: T) => boolean)[] = [
    ({ arn, resource }) => arn === text || (resourceOf(arn) ?? resource) === text,
    ({ name }) => name === text,
    ({ name }) => name.toLowerCase() === lower,
    ({ dns }) => dns !== undefined && plainDns(dns) === plainDns(text),
    // An id that AWS did not confirm: match by its name.
    ({ name, arn, resource }) => arn === null && resource === undefined && name === loadBalancerNameIn(text),
    ({ name }) => lower !== '' && name.toLowerCase().includes(lower),
  ];
  for (const rule of rules) {
    const found = candidates.filter(rule);
    if (found.length > 1) {
      const [first = '', second = ''] = [...new Set(found.map(({ name }) => name))].sort();
      const examples = second === '' ? '' : ` Try: ${first} last 15m, or ${second} last 15m.`;
      const matches = `'${text}' matches ${found.length} load balancers: ${listCandidates(found, text)}.`;
      throw new AmbiguousName(matches + examples, 1);
    }
    if (found[0] !== undefined) return found[0];
  }
  const none = `No load balancer '${text}'${where}`;
  if (candidates.length === 0) throw new Problem(`${none}; there are none at all.`, 1);
  const nearest = nearestNames(
    loadBalancerNameIn(text),
    candidates.map(({ name }) => name),
  );
  const known =
    candidates.length > SHOWN
      ? `The closest of ${candidates.length}: ${nearest.join(', ')}`
      : `${candidates.length === 1 ? 'There is' : 'There are'}: ${listCandidates(candidates, text)}`;
  throw new Problem(`${none}. ${known}. ${twoExamples(nearest[0] ?? text)}`, 1);
}

const NEAREST = 5;

/** The names closest to the typed one by edit distance. */
function nearestNames(typed: string, names: readonly string[]): string[] {
  const distances = [...new Set(names)].map((name) => ({
    name,
    distance: editDistance(typed.toLowerCase(), name.toLowerCase()),
  }));
  return distances
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, NEAREST)
    .map(({ name }) => name);
}

/** Levenshtein distance: letters inserted, removed or replaced. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const exchanged = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(exchanged, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
