/**
 * Runs the bot in a process of its own for the benchmark. Takes settings as JSON, and answers each message with `{ heap
 * }`, bytes after a garbage collection.
 */
import { startBot } from '../src/commands/serve.ts';
import { parseConfig } from '../src/config.ts';

interface Settings {
  apiUrl: string;
  botToken: string;
  appToken: string;
  recorded: string[];
  config: unknown;
  /**
   * Factor by which time passes faster for posts and edits; their rate limit would keep 500 runs waiting for 20
   * minutes.
   */
  speed: number;
  /** Milliseconds for each piece of evidence. */
  pace: number;
}

const { apiUrl, botToken, appToken, recorded, config, speed, pace }: Settings = JSON.parse(process.argv[2] ?? '{}');
const secrets = { botToken, appToken, signingSecret: null };
const quiet = { write: () => true };
const bot = await startBot(parseConfig(config, {}, 'the benchmark'), secrets, recorded, {
  slackApiUrl: apiUrl,
  stream: quiet,
  pace,
  clock: {
    now: () => performance.now() * speed,
    wake(milliseconds, call) {
      const timer = setTimeout(call, milliseconds / speed);
      return () => clearTimeout(timer);
    },
  },
});

process.on('message', () => {
  // Twice, because the second collection frees objects that the first one finalizes.
  globalThis.gc?.();
  globalThis.gc?.();
  process.send?.({ heap: process.memoryUsage().heapUsed });
});
process.once('SIGTERM', () => {
  void bot.stop().then(() => process.exit(0));
});
process.once('disconnect', () => process.exit(1));
process.send?.({ ready: true });
