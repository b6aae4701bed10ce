/** The captured situations: servers with common failures. */
import type { Situation } from '../situation.ts';
import { paths } from './paths.ts';
import { processes } from './processes.ts';
import { races } from './races.ts';
import { requests } from './requests.ts';

export const situations: readonly Situation[] = [...races, ...processes, ...paths, ...requests];
