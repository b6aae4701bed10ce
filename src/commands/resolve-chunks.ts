/** Resolves imports between the chunks of the bundle, of which a diagnosis has hundreds, without asking the disk. */
import { registerHooks } from 'node:module';

/** Names of chunks in dist/; sources have another extension. */
const CHUNK = /^[.][/][A-Za-z0-9-]+[.]js$/;

/** Node otherwise looks up each imported file, its folders and its package.json, for every import. */
export function resolveChunks(): void {
  const folder = new URL('./', import.meta.url).href;
  registerHooks({
    resolve(specifier, context, next) {
      const { parentURL = '' } = context;
      const isFromFolder = parentURL.slice(0, parentURL.lastIndexOf('/') + 1) === folder;
      if (!CHUNK.test(specifier) || !isFromFolder) return next(specifier, context);
      return { url: folder + specifier.slice(2), format: 'module', shortCircuit: true };
    },
  });
}
