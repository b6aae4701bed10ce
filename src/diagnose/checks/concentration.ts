import { list, outOf, percent, plural } from '../../format/wording.ts';
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
import { targetName } from '../targets/target-owners.ts';
import { defineCheck } from './check.ts';

export const concentration = defineCheck({
  id: 'concentration',
  step: 1,
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
      .filter(([label]) => label !== 'clients' || clients !== null)
      .map(([label, value]) => ({ label: `${label} with errors`, value }));
    const split = splitGroups(traffic);
    // If each target fails either everything or nothing, the busiest target's share adds nothing.
    const others = concentrations(traffic).filter(({ kind }) => split.length === 0 || kind !== 'target');
    const names = (target: string) => {
      const own = errors.find((error) => error.target === target);
      return targetName(target, traffic.owners.at(target, own?.at ?? question.to, own?.target_group_arn));
    };
    const sentences = [
      ...ownerConcentrations(traffic).map(ownerSentence),
      ...split.map((group) => splitSentence(group, names)),
      ...others.map((one) => concentrationSentence(one, names)),
    ];
    const [brief] = [
      ...ownerConcentrations(traffic).map(ownerBrief),
      ...split.map(splitBrief),
      ...others.map(({ kind, share }) => `one ${kind} has ${percent(share)} of the errors`),
    ];
    if (brief !== undefined) {
      const routes = others.flatMap(({ kind, name }) => (kind === 'route' ? [name] : []));
      const advice = routes.length > 0 ? { fix: routeAdvice(routes), afterwards: routeAdvice(routes) } : {};
      return { outcome: 'fail', summary: sentences.join(' '), brief, facts, ...advice };
    }
    const involved = list(
      [
        { count: counts.targets, noun: 'target' },
        { count: counts.nodes, noun: 'node' },
        { count: counts.routes, noun: 'route' },
        { count: counts.clients, noun: 'client' },
      ]
        .filter(({ count }) => count > 0)
        .map(({ count, noun }) => plural(count, noun)),
      4,
    );
    return {
      outcome: 'pass',
      summary:
        errorCount < 10
          ? `${plural(errorCount, 'error')} on ${involved}: too few to compare.`
          : `${plural(errorCount, 'error')} on ${involved}; none has clearly more than its share of the requests.`,
      facts,
    };
  },
});

/** A route has no zone or network path to compare. */
const routeAdvice = (routes: readonly string[]): string =>
  `Compare ${list(routes)} with other routes: dependencies, upstream, last change.`;

type Names = (target: string) => string;

const splitSentence = ({ name, failing, working }: SplitGroup, names: Names): string =>
  `${failing.length} of ${plural(failing.length + working.length, 'target')} of ${name} fail every request (${list(failing.map(names), 6)}), the others succeed (${list(working.map(names), 6)}).`;

const splitBrief = ({ failing, working }: SplitGroup): string =>
  `${outOf(failing.length, failing.length + working.length)} targets fail every request`;

const concentrationSentence = ({ kind, name, errors, share, requestShare }: Concentration, names: Names): string => {
  // Client numbers are meaningless outside one collection.
  const which = kind === 'client' ? 'One client' : `The ${kind} ${kind === 'target' ? names(name) : name}`;
  const against = requestShare === null ? '' : ` and ${percent(requestShare)} of the requests`;
  return `${which} has ${percent(share)} of the errors (${outOf(errors, errors / share)})${against}.`;
};
