#!/usr/bin/env node
/**
 * The entry point. It checks the Node version before importing anything, so that an older Node prints a sentence
 * instead of a syntax error. Plain help loads only its text.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const args = process.argv.slice(2).join(' ');

if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`alb502 needs Node.js 22.18 or later; this is ${process.versions.node}.\n`);
  process.exitCode = 2;
} else {
  process.stdout.on('error', exitOnBrokenPipe);
  if (['', '-h', '--help', 'help'].includes(args)) {
    const { HELP } = await import('./commands/help.ts');
    process.stdout.write(HELP);
  } else {
    (await import('./commands/compile-cache.ts')).keepCompiledCode();
    (await import('./commands/resolve-chunks.ts')).resolveChunks();
    const { main } = await import('./commands/program.ts');
    process.exitCode = await main(process.argv);
  }
}

/** Exits quietly when a reader such as `head` closes the pipe early. */
function exitOnBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
}

export {};
