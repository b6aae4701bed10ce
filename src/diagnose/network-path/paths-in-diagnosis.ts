/** The paths to the targets as the diagnosis lists them. */
import type { NetworkPath, NetworkPathAnswer } from '../diagnosis.ts';
import { allowCommands } from './allow-commands.ts';
import { type PathEvidence, type TargetPath, targetPaths } from './target-paths.ts';
import type { PathResult } from './types.ts';

const MAX_PATHS = 500;
const OUTCOME = { allowed: 'open', blocked: 'blocked', 'cannot-see': 'unknown' } as const;
const OUTCOME_ORDER: readonly NetworkPathAnswer['outcome'][] = ['blocked', 'unknown', 'open'];

/** Blocked paths first, then those that could not be judged. */
export function networkPathsOf(evidence: PathEvidence): NetworkPath[] {
  const rank = ({ traffic, health }: TargetPath): number =>
    Math.min(...[traffic, health ?? traffic].map(({ answer }) => OUTCOME_ORDER.indexOf(OUTCOME[answer])));
  const paths = [...targetPaths(evidence)]
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, MAX_PATHS)
    .map((path) => ({ path, answers: portAnswers(path) }));
  const alike = Map.groupBy(
    paths.flatMap(({ answers }): PortAnswer[] => answers),
    ({ key }) => key,
  );
  const answerOf = ({ key, result, shared }: PortAnswer): NetworkPathAnswer => ({
    outcome: OUTCOME[result.answer],
    sentence: result.sentence,
    ...((alike.get(key)?.length ?? 0) > 1 ? { sharedSentence: shared } : {}),
    commands: result.answer === 'blocked' ? allowCommands(result.blocks) : [],
  });
  return paths.map(({ path, answers: [traffic, health] }) => ({
    targetGroup: path.name,
    address: path.target.replace(/:\d+$/, '').replace(/[[\]]/g, ''),
    registered: path.registered,
    state: path.state,
    port: path.trafficPort,
    traffic: answerOf(traffic),
    healthPort: path.healthPort,
    health: health === undefined ? null : answerOf(health),
  }));
}

interface PortAnswer {
  result: PathResult;
  /** The sentence without the name of the target. */
  shared: string;
  /** The same for targets that a reader may see as one. */
  key: string;
}

/** The answer for the traffic port, and for another port that health checks use. */
function portAnswers(path: TargetPath): [PortAnswer] | [PortAnswer, PortAnswer] {
  const { traffic, trafficPort, health, healthPort } = path;
  const answer = (result: PathResult, port: number): PortAnswer => {
    const shared = path.sharedSentence(port);
    return { result, shared, key: `${path.targetGroup} ${shared}` };
  };
  const first = answer(traffic, trafficPort);
  return health === null || healthPort === null || healthPort === trafficPort
    ? [first]
    : [first, answer(health, healthPort)];
}
