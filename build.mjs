/**
 * Bundles src/cli.ts into dist/, with one chunk for each lazily loaded part, so that a command loads only what it uses.
 * Plain JavaScript, because npm runs it after `npm ci` in a checkout with any version of Node. After `npm ci
 * --omit=dev`, which leaves esbuild out, it does nothing.
 */
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { dirname, join } from 'node:path';
import { compileScanner } from './src/collect/access-log/embedded/wasm/compile.mjs';

const installing = ['ci', 'install'].includes(process.env.npm_command);
// What npm runs on; this script runs on the Node 24 that npm installed, unless `--omit=dev` left it out.
const [, version, major] = /node\/v((\d+)[\d.]*)/.exec(process.env.npm_config_user_agent ?? '') ?? [];
if (installing && Number(major) < 22) {
  const scripts = process.versions.node === version ? '' : ', so npm installed Node 24 for the npm scripts';
  console.log(`alb502 needs Node.js 22.18 or later; this is ${version}${scripts}.`);
}

const esbuild = await import('esbuild').catch((error) => {
  if (error.code === 'ERR_MODULE_NOT_FOUND' && installing) process.exit(0);
  throw error;
});
const root = import.meta.dirname ?? dirname(new URL(import.meta.url).pathname);
const dist = join(root, 'dist');

/**
 * An import of Node's http reads each of its exports, and one of them loads all of undici. This reads those that are
 * plain values, when they are imported by name.
 */
const httpWithoutUndici = {
  name: 'http-without-undici',
  setup({ onResolve, onLoad }) {
    const namespace = 'node-http';
    onResolve({ filter: /^(?:node:)?http$/ }, ({ kind }) =>
      kind === 'import-statement' ? { path: 'http', namespace } : null,
    );
    onLoad({ filter: /./, namespace }, () => {
      const names = Object.entries(Object.getOwnPropertyDescriptors(http)).flatMap(([name, { get }]) =>
        get === undefined ? [name] : [],
      );
      const contents = `const http = process.getBuiltinModule('http');
        export default http;
        export const { ${names.join(', ')} } = http;`;
      return { contents };
    });
  },
};

const { outputFiles, metafile } = await esbuild.build({
  absWorkingDir: root,
  // Threads and child processes start from files of their own, next to the chunks.
  entryPoints: {
    cli: 'src/cli.ts',
    'reader-process': 'src/collect/access-log/embedded/reader-process.ts',
    'scan-worker': 'src/collect/access-log/embedded/scan-worker.ts',
  },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  minify: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.18',
  // Use the ESM builds of dependencies, which can be tree-shaken and keep their export names.
  mainFields: ['module', 'main'],
  plugins: [httpWithoutUndici],
  // Native code.
  external: ['@duckdb/node-bindings*'],
  metafile: true,
  write: false,
  logLevel: 'warning',
});

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
await compileScanner();
for (const { path, text } of outputFiles) await writeFile(path, withRequire(text));
const bundled = await bundledPackages(Object.keys(metafile.inputs));
await writeFile(join(dist, 'third-party-licenses.txt'), licences(bundled));
await writeFile(join(dist, 'sbom.cdx.json'), `${JSON.stringify(await billOfMaterials(bundled), null, 2)}\n`);
await chmod(join(dist, 'cli.js'), 0o755);

/**
 * CommonJS packages load Node's own modules with `require`, which an ES module lacks. Only the chunk that esbuild
 * reports gets a `require`, because creating one takes time.
 */
function withRequire(text) {
  if (!text.includes('Dynamic require of "')) return text;
  return `import{createRequire as requireFrom}from"node:module";const require=requireFrom(import.meta.url);${text}`;
}

/**
 * The packages that went into the bundle, by name and version. A package inside another one is one of its own: often
 * an older version of one that is bundled, too.
 */
async function bundledPackages(inputs) {
  const folders = new Set(inputs.flatMap((input) => input.match(/^.*\bnode_modules\/(?:@[^/]+\/)?[^/]+/) ?? []));
  const packages = await Promise.all(
    [...folders].sort().map(async (folder) => {
      const { name, version, license, repository } = JSON.parse(
        await readFile(join(root, folder, 'package.json'), 'utf8'),
      );
      const file = (await readdir(join(root, folder))).find((entry) => /^licen[cs]e/i.test(entry));
      const text = file === undefined ? null : await readFile(join(root, folder, file), 'utf8');
      return { name, version, license, text, origin: `${license} ${repository?.url ?? repository}` };
    }),
  );
  return [...new Map(packages.map((one) => [`${one.name}@${one.version}`, one])).values()];
}

/**
 * The licence text of each package, as the licences require. A package without a text gets the text of another package
 * from the same repository with the same licence.
 */
function licences(packages) {
  const texts = packages.map(({ name, version, text, origin }) => {
    const shared = text ?? packages.find((other) => other.text !== null && other.origin === origin)?.text;
    if (shared === undefined) throw new Error(`${name} is bundled and has no licence file.`);
    return `${name} ${version}\n\n${shared}`;
  });
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}

/**
 * Lists the contents of the bundle, which scanners cannot see, as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/):
 * the bundled packages, and the dependencies installed next to it. Has no time and no serial number, so that the same
 * sources give the same bytes.
 */
async function billOfMaterials(packages) {
  const own = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const installed = await Promise.all(
    Object.keys(own.dependencies).map(async (name) => {
      const { version, license } = JSON.parse(await readFile(join(root, 'node_modules', name, 'package.json'), 'utf8'));
      return { name, version, license };
    }),
  );
  const components = [...packages, ...installed].map(({ name, version, license }) => {
    const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
    return { type: 'library', 'bom-ref': purl, name, version, purl, licenses: [{ expression: license }] };
  });
  const purl = `pkg:npm/${own.name}@${own.version}`;
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { type: 'application', 'bom-ref': purl, name: own.name, version: own.version, purl } },
    components,
    dependencies: [{ ref: purl, dependsOn: components.map((component) => component['bom-ref']).sort() }],
  };
}
