/** Faults between the bot and Slack, scripted by method, and Slack's rate limits. */
import type { Args } from './web-api.ts';

/**
 * `error`: Slack refuses. `status`: its servers fail. `retryAfter`: 429. `lost: 'before'`: nothing happens, and no answer comes.
 * `lost: 'after'`: it happens, and the connection ends without an answer. `slow`: the answer comes this many milliseconds later.
 */
export type Fault =
  | { error: string; more?: Record<string, unknown> }
  | { status: number }
  | { retryAfter: number }
  | { lost: 'before' | 'after' }
  | { slow: number };

export interface ScriptedFault {
  method: string;
  fault: Fault;
  /** How many more times. */
  times: number;
  when(args: Args): boolean;
}

/** Returns the fault for this call and uses it up. */
export function takeFault(script: ScriptedFault[], method: string, args: Args): Fault | null {
  const one = script.find((each) => each.method === method && each.times > 0 && each.when(args));
  if (one === undefined) return null;
  one.times -= 1;
  return one.fault;
}

/** Calls allowed at once and per minute. */
interface Tier {
  burst: number;
  perMinute: number;
  /** Calls that share the limit. */
  key(args: Args): string;
}

const whole = () => '';
const TIERS: Readonly<Record<string, Tier>> = {
  'chat.postMessage': { burst: 5, perMinute: 60, key: ({ channel }) => String(channel) },
  'chat.update': { burst: 50, perMinute: 50, key: whole },
  'chat.postEphemeral': { burst: 100, perMinute: 100, key: whole },
  'conversations.history': { burst: 50, perMinute: 50, key: whole },
  'conversations.replies': { burst: 50, perMinute: 50, key: whole },
  'conversations.info': { burst: 50, perMinute: 50, key: whole },
  'usergroups.users.list': { burst: 20, perMinute: 20, key: whole },
  'files.getUploadURLExternal': { burst: 100, perMinute: 100, key: whole },
  'files.completeUploadExternal': { burst: 100, perMinute: 100, key: whole },
  'views.open': { burst: 100, perMinute: 100, key: whole },
  'views.publish': { burst: 100, perMinute: 100, key: whole },
};

/** Token buckets. Returns the seconds to wait, or null when the call is within its limit. */
export function rateLimits(now: () => number): (method: string, args: Args) => number | null {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return (method, args) => {
    const tier = TIERS[method];
    if (tier === undefined) return null;
    const key = `${method} ${tier.key(args)}`;
    const perMillisecond = tier.perMinute / 60_000;
    const bucket = buckets.get(key) ?? { tokens: tier.burst, at: now() };
    bucket.tokens = Math.min(tier.burst, bucket.tokens + (now() - bucket.at) * perMillisecond);
    bucket.at = now();
    buckets.set(key, bucket);
    if (bucket.tokens < 1) return Math.max(1, Math.ceil((1 - bucket.tokens) / perMillisecond / 1000));
    bucket.tokens -= 1;
    return null;
  };
}
