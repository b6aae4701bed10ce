/**
 * A session with one account and region: its clients, the time limit of a collector, and the signal that stops all
 * work.
 */
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { Problem } from '../../problem.ts';
import { rejectWebPages } from './paginate.ts';
import { type AccountPlace, type ClientSettings, settingsFor } from './sdk-clients.ts';

/** Common to every client class of the SDK. */
interface Client {
  destroy(): void;
  middlewareStack: {
    add(middleware: typeof rejectWebPages, options: { step: 'deserialize'; priority: 'low'; name: string }): void;
  };
}

export interface Session {
  place: AccountPlace;
  settings: ClientSettings;
  /** Aborted when the user interrupts; passed to every call. */
  signal: AbortSignal;
  /** Maximum milliseconds of one collector. */
  deadline: number;
  /** The session's one client of this class; created on first use. */
  client<C extends Client>(type: new (settings: ClientSettings) => C): C;
  /** Closes the connections of all clients. */
  close(): void;
}

export function openSession(place: AccountPlace, { signal, deadline }: Pick<Session, 'signal' | 'deadline'>): Session {
  const settings = settingsFor(place);
  const clients = new Map<unknown, Client>();
  return {
    place,
    settings,
    signal,
    deadline,
    client(type) {
      const existing = clients.get(type);
      if (existing instanceof type) return existing;
      const created = new type(settings);
      // As the lowest of its step, it sees the unprocessed response.
      created.middlewareStack.add(rejectWebPages, { step: 'deserialize', priority: 'low', name: 'refusePages' });
      clients.set(type, created);
      return created;
    },
    close() {
      for (const client of clients.values()) client.destroy();
    },
  };
}

/** The region of the environment, the profile, or the instance this runs on. Throws Problem (exit 2) if none is set. */
export async function standardRegion(profile: string | undefined): Promise<string> {
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  // The AWS CLI reads AWS_DEFAULT_REGION; the SDK does not.
  const set = AWS_REGION || AWS_DEFAULT_REGION;
  if (set) return set;
  const client = new ElasticLoadBalancingV2Client(profile === undefined ? {} : { profile });
  try {
    return await client.config.region();
  } catch {
    // AWS_REGION comes first because the bot has no option --region.
    throw new Problem(
      'No AWS region is set. Set AWS_REGION, for example to eu-west-1, or add --region eu-west-1 to the command.',
      2,
    );
  } finally {
    client.destroy();
  }
}
