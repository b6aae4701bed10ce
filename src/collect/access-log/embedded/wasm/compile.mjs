/**
 * Compiles scan-lines.ts into dist/scan-lines.wasm. Plain JavaScript, because it runs on install with any version of
 * Node.
 */
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../../..', import.meta.url));
const FOLDER = 'src/collect/access-log/embedded/wasm';
const SOURCE = `${FOLDER}/scan-lines.ts`;
const MODULE = join(root, 'dist/scan-lines.wasm');

/** Throws an error with the compiler's message if the source is wrong. */
export async function compileScanner() {
  const { default: asc } = await import('assemblyscript/asc');
  let module;
  const said = [];
  const note = { write: (text) => said.push(String(text)) };
  const { error } = await asc.main(
    [
      ...[SOURCE, '--baseDir', root, '--outFile', 'scan-lines.wasm'],
      // Pages of 64 KiB, enough for the layout of scan-lines.ts. The memory never grows, so views of it stay valid.
      ...[
        '-O3',
        '--noAssert',
        '--runtime',
        'stub',
        '--enable',
        'simd',
        '--initialMemory',
        '80',
        '--maximumMemory',
        '80',
      ],
    ],
    {
      stdout: note,
      stderr: note,
      writeFile: (name, contents) => {
        if (name === 'scan-lines.wasm') module = contents;
      },
    },
  );
  if (error !== null || module === undefined)
    throw new Error(`${SOURCE} cannot be compiled: ${said.join('') || error}`);
  await mkdir(dirname(MODULE), { recursive: true });
  await writeFile(MODULE, module);
}

/**
 * Runs before all tests (globalSetup of vitest): compiles the module if it is missing or older than its source. Without
 * the compiler, tests use the parser instead of the scanner.
 */
export async function setup() {
  const names = (await readdir(join(root, FOLDER))).filter((name) => name.endsWith('.ts'));
  const [module, ...sources] = await Promise.all([
    stat(MODULE).catch(() => null),
    ...names.map((name) => stat(join(root, FOLDER, name))),
  ]);
  if (module !== null && sources.every(({ mtimeMs }) => module.mtimeMs >= mtimeMs)) return;
  await compileScanner().catch((error) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    process.stderr.write('dist/scan-lines.wasm is missing or old: run npm install\n');
  });
}
