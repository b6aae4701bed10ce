import { list, number, outOf, percent, plural } from '../../format/wording.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { noErrorsVerdict } from '../no-errors.ts';
import {
  type Concentration,
  concentrations,
  countDistinct,
  type SplitGroup,
  splitGroups,
} from '../patterns/error-concentration.ts';
import { clientsWithErrors } from '../patterns/hops.ts';
import { ownerBrief, ownerConcentrations, ownerSentence } from '../patterns/owner-concentration.ts';
import { WITHOUT_TARGET } from '../signature.ts';
import { targetName } from '../targets/target-name.ts';
import { type SampledError, targetGroupName } from '../traffic.ts';
import { defineCheck } from './check.ts';

export const concentration = defineCheck({
  id: 'concentration',
  step: 1,
  subject: 'whether the errors concentrate on a target, node, route or client',
  question: 'Are the errors spread over targets, nodes, routes and clients in the same way as the requests?',
  why: 'If errors concentrate on one target, route, zone or client, the cause is there; if they are everywhere, it is not.',
  fix: 'Compare the targets, nodes or clients that fail more with their peers: configuration, version, zone, network path.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html',
  symptom: true,
  needs: ['traffic'],
  wants: [],

  evaluate({ traffic }, question): CheckVerdict {
    const noErrors = noErrorsVerdict(traffic);
    if (noErrors) return noErrors;
    const { errors, errorCount } = traffic;
    const clients = clientsWithErrors(traffic);
    const counts = {
      targets: countDistinct(errors, (error) => error.target),
      nodes: countDistinct(errors, (error) => error.node),
      routes: countDistinct(errors, (error) => error.route),
      clients: clients ?? 0,
    };
    const facts = Object.entries(counts)
      .filter(([label, value]) => value > 0 && (label !== 'clients' || clients !== null))
      .map(([label, value]) => ({ label: `${label} with errors`, value }));
    const split = splitGroups(traffic);
    // If each target fails either everything or nothing, the busiest target's share adds nothing.
    const others = concentrations(traffic).filter(({ kind }) => split.length === 0 || kind !== 'target');
    const firstOf = new Map(errors.toReversed().map((error) => [error.target, error]));
    const names = (target: string) => {
      const own = firstOf.get(target);
      return targetName(target, traffic.owners.at(target, own?.at ?? question.to, own?.target_group_arn));
    };
    const sentences = [
      ...ownerConcentrations(traffic).map(ownerSentence),
      ...split.map((group) => splitSentence(group, names)),
      ...others.map((one) => concentrationSentence(one, names, traffic.owners.all(one.name).length > 1)),
    ];
    const [brief] = [
      ...ownerConcentrations(traffic).map(ownerBrief),
      ...split.map(splitBrief),
      ...others.map(({ kind, share }) => `one ${kind} has ${percent(share)} of the errors`),
    ];
    if (brief !== undefined) {
      const routes = others.flatMap(({ kind, name }) => (kind === 'route' ? [name] : []));
      const fix = routes.length > 0 ? routeAdvice(routes, errors) : null;
      const advice = fix === null ? {} : { fix, afterwards: fix };
      return { outcome: 'fail', summary: sentences.join(' '), brief, facts, ...advice };
    }
    const involved = [
      { count: counts.targets, all: countNames(traffic.log.targets, ({ target }) => target), noun: 'target' },
      { count: counts.nodes, all: countNames(traffic.log.targets, ({ node }) => node), noun: 'node' },
      { count: counts.routes, all: null, noun: 'route' },
      { count: counts.clients, all: null, noun: 'client' },
    ].filter(({ count }) => count > 0);
    const where = list(
      involved.map(({ count, all, noun }) =>
        all === null || all <= count ? plural(count, noun) : `${number(count)} of ${plural(all, noun)}`,
      ),
    );
    if (errorCount < 10)
      return {
        outcome: 'not-applicable',
        summary: `${plural(errorCount, 'error')} on ${where}: too few to compare.`,
      };
    const compared = involved.filter(({ count, all }) => (all ?? count) > 1).map(({ noun }) => noun);
    return {
      outcome: 'pass',
      summary: `${plural(errorCount, 'error')} on ${where}${compared.length > 0 ? `; no single ${alternatives(compared)} explains them` : ''}.`,
      facts,
    };
  },
});

/** A route has no zone or network path to compare, and no code to look at if its requests reached no target. */
function routeAdvice(routes: readonly string[], errors: readonly SampledError[]): string {
  const own = errors.filter(({ route }) => routes.includes(route));
  if (own.some(({ signature }) => !WITHOUT_TARGET.has(signature)))
    return `Compare ${list(routes)} with other routes: dependencies, upstream, last change.`;
  const groups = [...new Set(own.map(({ target_group_arn: arn }) => targetGroupName(arn)))].filter(
    (one) => one !== '-',
  );
  const where = groups.length > 0 ? `target group ${list(groups.sort())}` : 'the listener rules';
  return `No failed request to ${list(routes)} reached a target: look at ${where}, not at the application.`;
}

/** The number of distinct names. */
const countNames = <T>(items: readonly T[], name: (item: T) => string | null): number =>
  new Set(items.map(name).filter((one) => one !== null && one !== '-')).size;

/** "target, node or route". */
const alternatives = (nouns: readonly string[]): string =>
  [nouns.slice(0, -1).join(', '), ...nouns.slice(-1)].filter((each) => each !== '').join(' or ');

type Names = (target: string) => string;

const splitSentence = ({ name, failing, working }: SplitGroup, names: Names): string =>
  `${failing.length} of ${plural(failing.length + working.length, 'target')} of ${name} fail every request (${list(failing.map(names), 6)}); the others succeed (${list(working.map(names), 6)}).`;

const splitBrief = ({ failing, working }: SplitGroup): string =>
  `${outOf(failing.length, failing.length + working.length)} targets fail every request`;

/** `isReused`: several targets had this address, and its requests are those of all. */
const concentrationSentence = (
  { kind, name, errors, share, requestShare }: Concentration,
  names: Names,
  isReused: boolean,
): string => {
  // Client numbers are meaningless outside one collection.
  const which = kind === 'client' ? 'One client' : `The ${kind} ${kind === 'target' ? names(name) : name}`;
  const against =
    requestShare === null ? '' : ` and ${isReused ? 'its address ' : ''}${percent(requestShare)} of the requests`;
  return `${which} has ${percent(share)} of the errors (${outOf(errors, errors / share)})${against}.`;
};
