/** Returns two questions that work, for an answer to one that does not. `name`: an existing load balancer. */
export const twoExamples = (name: string): string => `Try: ${name} last 15m, or ${name} from 02:40 to 02:55.`;
