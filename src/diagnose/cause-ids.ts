/** The ids of the causes; their order breaks ties. JSON, tests and links depend on them. */
import { causes } from './causes/index.ts';

export type CauseId = (typeof causes)[number]['id'];

export const CAUSE_IDS: readonly CauseId[] = causes.map(({ id }) => id);
