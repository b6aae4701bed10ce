/** The families of the accuracy suite, in the order of the score. */
import { eachCause } from './each-cause.ts';
import { healthy } from './healthy.ts';
import type { Family } from './incident.ts';
import { lookAlikes } from './look-alikes.ts';
import { missingEvidence } from './missing-evidence.ts';
import { redHerrings } from './red-herrings.ts';
import { whoseTargets } from './targets.ts';
import { tooLittle } from './too-little.ts';
import { traps } from './traps.ts';
import { twoCauses } from './two-causes.ts';

export const families: Family[] = [
  eachCause,
  lookAlikes,
  twoCauses,
  redHerrings,
  missingEvidence,
  healthy,
  tooLittle,
  traps,
  whoseTargets,
];
