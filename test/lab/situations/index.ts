/** What is captured: servers with failures that people meet. */
import type { Situation } from '../situation.ts';
import { paths } from './paths.ts';
import { processes } from './processes.ts';
import { races } from './races.ts';
import { requests } from './requests.ts';

export const situations: readonly Situation[] = [...races, ...processes, ...paths, ...requests];
