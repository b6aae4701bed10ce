import { clock, list, plural } from '../../format/wording.ts';
import { notShown } from '../judgement/contradiction.ts';
import { type TargetLife, targetLives } from '../patterns/churn.ts';
import { closedParts } from '../patterns/closed-connections.ts';
import { failedConnects, wasReplaced } from '../patterns/failed-connects.ts';
import { departure } from '../targets/deregistration.ts';
import { type Failure, type Traffic, weigh, withSignature } from '../traffic.ts';
import { defineCause, type Scene } from './cause.ts';

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
    const others = otherEndings(traffic, leaving);
    if (leaving.length === 0) {
      const shown = notShown(traffic, ['connect-failed', 'closed-before-response']);
      if (shown.ruledOut) return shown;
      return {
        claims: [{ errors: others.possible, strength: 'possible' }],
        for: others.for,
        against: others.open ? others.against : [stayed(traffic)],
        missing: others.missing,
        ruledOut: !others.open,
      };
    }
    const judged = leaving.map((part) => ({
      ...part,
      ...departure(part.life, firstOf(part.errors), part.replaced, known),
    }));
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
        { errors: [...unknown.flatMap(({ errors }) => errors), ...others.possible], strength: 'possible' },
      ],
      for: [
        ...(inTurn ? [inTurn] : []),
        ...[...gone, ...unknown]
          .slice(0, SHOWN)
          .map(({ errors, sentence }) => `${sentence} ${plural(errors.length, 'error')} in its last moments.`),
        ...(gone.length + unknown.length > SHOWN
          ? [`The same of ${plural(gone.length + unknown.length - SHOWN, 'more target')}.`]
          : []),
        ...others.for,
      ],
      against: [...judged.filter(({ how }) => how === 'unhealthy').map(({ sentence }) => sentence), ...others.against],
      missing: [
        ...(unknown.length > 0
          ? ['Deregistration events (lookup-events) or target health at the time would settle it.']
          : []),
        ...others.missing,
      ],
      // What is known of the targets that left says nothing of the errors of others.
      ruledOut: gone.length + unknown.length === 0 && !others.open,
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

const firstOf = (errors: readonly Failure[]): number => Math.min(...errors.map(({ at }) => at));

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

interface OtherEndings {
  /** Errors of which it is not known whether their target was leaving. */
  open: boolean;
  possible: Failure[];
  for: string[];
  against: string[];
  missing: string[];
}

/** Errors a target could leave with, beside those of the targets that are seen to have left with theirs. */
function otherEndings(traffic: Traffic, leaving: ReturnType<typeof departures>): OtherEndings {
  const told = new Set(leaving.flatMap(({ errors }) => errors));
  const failing = new Set(
    withSignature(traffic, 'connect-failed', 'closed-before-response').filter((error) => !told.has(error)),
  );
  const unended = targetLives(traffic).flatMap((life) => {
    const errors = life.left === null ? [...failing].filter((error) => isOf(error, life)) : [];
    return errors.length > 0 ? [{ life, errors }] : [];
  });
  const perhaps = closedParts(traffic).perhapsLeaving.flatMap(({ life, errors }) => {
    const own = errors.filter((error) => failing.has(error));
    return own.length > 0 ? [{ life, errors: own }] : [];
  });
  const [first] = perhaps;
  return {
    open: perhaps.length + unended.length > 0,
    possible: perhaps.flatMap(({ errors }) => errors),
    for: first
      ? [
          `${plural(first.errors.length, 'error')} in the last moments of ${first.life.target}, which got its last request at ${clock(first.life.lastSeen)}.`,
        ]
      : [],
    against: first ? ['Connections to targets that stayed were closed as well.'] : [],
    missing: [
      ...(first ? ['The application log for the trace ids: a shutdown at that time would settle it.'] : []),
      ...(unended.length > 0
        ? [`Whether ${list(unended.map(({ life }) => life.target))} left is not known: what was read ends too soon.`]
        : []),
    ],
  };
}

const isOf = (error: Failure, life: TargetLife): boolean =>
  error.target === life.target && error.target_group_arn === life.target_group_arn;

function delays({ targetGroupAttributes }: Scene<(typeof WANTS)[number]>): string {
  const values = Object.values(targetGroupAttributes ?? {}).flatMap(
    (a) => a['deregistration_delay.timeout_seconds'] ?? [],
  );
  return values.length > 0
    ? `; keep the wait below the deregistration delay (${list(values.map((v) => `${v} s`))})`
    : '';
}
