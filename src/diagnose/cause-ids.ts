/** The ids of the causes, in the order that breaks ties. They are a contract: JSON, tests, links. */
import { causes } from './causes/index.ts';

export type CauseId = (typeof causes)[number]['id'];

export const CAUSE_IDS: readonly CauseId[] = causes.map(({ id }) => id);
