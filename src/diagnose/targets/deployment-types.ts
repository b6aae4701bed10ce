import type { Evidence } from '../../evidence/evidence.ts';
import type { Command } from '../../format/command.ts';
import type { TrafficShift } from './weight-steps.ts';

export type DeploymentEvidence = Partial<
  Pick<
    Evidence,
    | 'changes'
    | 'codeDeployments'
    | 'scalingActivities'
    | 'serviceDeployments'
    | 'serviceRevisions'
    | 'services'
    | 'targetGroups'
  >
>;

export interface Deployment {
  /** "the deployment of feed-api:47", "CodeDeploy d-A1B2C3D4E". */
  name: string;
  /** Family and revision; null unless it deploys an ECS service. */
  revision: string | null;
  /** ARNs of the target groups whose targets it replaces. */
  targetGroups: readonly string[];
  /**
   * Epoch milliseconds; `from`: when it began to move traffic, if known, else when it was created. `to`: null while it
   * continues.
   */
  from: number;
  to: number | null;
  /**
   * The command that ends it and returns to the previous state; null if it is over or has no such command. Printed,
   * never run.
   */
  stop: Command | null;
  /** How it moves traffic from target group to target group; null if it does not, or that is unknown. */
  shift: TrafficShift | null;
}
