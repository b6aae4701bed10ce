/** The paths to the targets as the diagnosis lists them. */
import type { NetworkPath, NetworkPathAnswer } from '../diagnosis.ts';
import { allowCommands } from './allow-commands.ts';
import { type PathEvidence, targetPaths } from './target-paths.ts';
import type { PathResult } from './types.ts';

const MAX_PATHS = 500;
const OUTCOME = { allowed: 'open', blocked: 'blocked', 'cannot-see': 'unknown' } as const;
const OUTCOME_ORDER: readonly NetworkPathAnswer['outcome'][] = ['blocked', 'unknown', 'open'];

/** Blocked paths first, then those that could not be judged. */
export function networkPathsOf(evidence: PathEvidence): NetworkPath[] {
  const rank = ({ traffic, health }: NetworkPath): number =>
    Math.min(
      ...[traffic, health].map((one) => (one === null ? OUTCOME_ORDER.length : OUTCOME_ORDER.indexOf(one.outcome))),
    );
  return targetPaths(evidence)
    .map(
      (path): NetworkPath => ({
        targetGroup: path.name,
        address: path.target.replace(/:\d+$/, '').replace(/[[\]]/g, ''),
        registered: path.registered,
        state: path.state,
        port: path.trafficPort,
        traffic: pathAnswer(path.traffic),
        healthPort: path.healthPort,
        health: path.health === null || path.healthPort === path.trafficPort ? null : pathAnswer(path.health),
      }),
    )
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, MAX_PATHS);
}

const pathAnswer = (path: PathResult): NetworkPathAnswer => ({
  outcome: OUTCOME[path.answer],
  sentence: path.sentence,
  commands: path.answer === 'blocked' ? allowCommands(path.blocks) : [],
});
