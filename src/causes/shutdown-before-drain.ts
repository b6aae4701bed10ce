import { targetLives } from '../patterns/churn.ts';
import { closedParts } from '../patterns/closed.ts';
import { failedConnects, wasReplaced } from '../patterns/connecting.ts';
import { type Traffic, weigh } from '../traffic.ts';
import { clock, list, plural } from '../wording.ts';
import { defineCause, type Scene } from './cause.ts';
import { notShown } from './contradiction.ts';
import { departure } from './departure.ts';

const WANTS = [
  'targetHealth',
  'instances',
  'networkInterfaces',
  'metrics',
  'changes',
  'targetGroupAttributes',
] as const;

/** Targets that are described one by one. */
const SHOWN = 3;

export const shutdownBeforeDrain = defineCause({
  id: 'shutdown-before-drain',
  title: 'Target shut down before it was drained',
  explanation:
    'A target that is being replaced stops listening or closes its connections while the load balancer still sends it requests.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html',
  wants: WANTS,

  judge(known) {
    const { traffic } = known;
    const leaving = departures(traffic);
    if (leaving.length === 0) {
      const shown = notShown(traffic, ['connect-failed', 'closed-before-response']);
      if (shown.ruledOut) return shown;
      const open = openEnded(traffic);
      const [perhaps, ...more] = closedParts(traffic).perhapsLeaving;
      if (perhaps) {
        const { life } = perhaps;
        return {
          claims: [{ errors: [perhaps, ...more].flatMap(({ errors }) => errors), strength: 'possible' }],
          for: [
            `${plural(perhaps.errors.length, 'error')} in the last moments of ${life.target}, which got its last request at ${clock(life.lastSeen)}.`,
          ],
          against: ['Connections to targets that stayed were closed as well.'],
          missing: ['The application log for the trace ids: a shutdown at that time would settle it.'],
          ruledOut: false,
        };
      }
      return {
        claims: [],
        for: [],
        against: open ? [] : [stayed(traffic)],
        missing: open ? [open] : [],
        ruledOut: !open,
      };
    }
    const judged = leaving.map((part) => ({ ...part, ...departure(part.life, part.replaced, known) }));
    const gone = judged.filter(({ how }) => how === 'deregistered');
    const unknown = judged.filter(({ how }) => how === 'unknown');
    const inTurn =
      gone.length > 1
        ? `${plural(gone.length, 'target')} in turn: ${list(gone.map((g) => `${g.life.target} at ${clock(g.life.lastSeen)}`))}.`
        : null;
    return {
      claims: [
        { errors: gone.filter(({ sure }) => sure).flatMap(({ errors }) => errors), strength: 'confirmed' },
        { errors: gone.filter(({ sure }) => !sure).flatMap(({ errors }) => errors), strength: 'likely' },
        { errors: unknown.flatMap(({ errors }) => errors), strength: 'possible' },
      ],
      for: [
        ...(inTurn ? [inTurn] : []),
        ...[...gone, ...unknown]
          .slice(0, SHOWN)
          .map(({ errors, sentence }) => `${sentence} ${plural(errors.length, 'error')} in its last moments.`),
        ...(gone.length + unknown.length > SHOWN
          ? [`The same of ${plural(gone.length + unknown.length - SHOWN, 'more target')}.`]
          : []),
      ],
      against: judged.filter(({ how }) => how === 'unhealthy').map(({ sentence }) => sentence),
      missing:
        unknown.length > 0
          ? ['Deregistration events (lookup-events) or target health at the time would settle it.']
          : [],
      ruledOut: gone.length + unknown.length === 0,
      ...(gone.length > 0
        ? {
            summary: `${plural(gone.length, 'target')} shut down before the load balancer stopped sending: ${plural(weigh(gone.flatMap((g) => g.errors)), 'request')} failed as ${gone.length === 1 ? 'it' : 'they'} left.`,
          }
        : {}),
    };
  },

  fix(known: Scene<(typeof WANTS)[number]>) {
    return {
      summary:
        'Keep serving after SIGTERM until the load balancer has stopped sending, then finish what is in flight and exit.',
      commands: [
        'lifecycle: { preStop: { exec: { command: ["sleep", "20"] } } }   # Kubernetes; terminationGracePeriodSeconds above sleep and longest request',
        'stopTimeout: 90   # ECS task definition, seconds between SIGTERM and SIGKILL; on SIGTERM wait 20 s, then server.close()',
      ],
      sideEffects: [`Each replacement takes as much longer${delays(known)}.`],
    };
  },
});

/** Connect-failed and closed errors of targets that left, one entry for each target. */
function departures(traffic: Traffic) {
  const lives = targetLives(traffic);
  const refused = failedConnects(traffic).flatMap(({ life, errors, last }) =>
    last && life?.left === true && life.lastSuccess !== null ? [{ life, errors }] : [],
  );
  const closed = closedParts(traffic).leaving;
  const merged = new Map<
    string,
    { life: (typeof refused)[number]['life']; errors: (typeof refused)[number]['errors'] }
  >();
  for (const { life, errors } of [...refused, ...closed]) {
    const key = `${life.target_group_arn} ${life.target}`;
    merged.set(key, { life, errors: [...(merged.get(key)?.errors ?? []), ...errors] });
  }
  return [...merged.values()]
    .map((part) => ({ ...part, replaced: wasReplaced(part.life, lives) }))
    .sort((a, b) => a.life.lastSeen - b.life.lastSeen || (a.life.target < b.life.target ? -1 : 1));
}

function stayed(traffic: Traffic): string {
  const failing = new Set(traffic.errors.map((error) => error.target).filter((target) => target !== '-'));
  const end = traffic.log.newest;
  return `0 of ${plural(failing.size, 'failing target')} left: each kept getting requests to the end of what was read${end === null ? '' : ` (${clock(end)})`}.`;
}

/** A failing target whose last request is so near the end of what was read that it may or may not have left. */
function openEnded(traffic: Traffic): string | null {
  const failing = new Set(traffic.errors.map((error) => error.target));
  const open = targetLives(traffic).filter((life) => life.left === null && failing.has(life.target));
  return open.length > 0
    ? `Whether ${list(open.map((life) => life.target))} left is not known: what was read ends too soon.`
    : null;
}

function delays({ targetGroupAttributes }: Scene<(typeof WANTS)[number]>): string {
  const values = Object.values(targetGroupAttributes ?? {}).flatMap(
    (a) => a['deregistration_delay.timeout_seconds'] ?? [],
  );
  return values.length > 0
    ? `; keep the wait below the deregistration delay (${list(values.map((v) => `${v} s`))})`
    : '';
}
