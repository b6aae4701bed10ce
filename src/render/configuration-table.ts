/** The tables of docs/configuration.md: every setting with its default, environment variable and description. Pure. */
import type * as z from 'zod';
import { ENVIRONMENT_NAMES, WITHOUT_ENVIRONMENT_NAME } from '../environment-names.ts';

type JsonSchema = z.core.JSONSchema.JSONSchema;

interface Setting {
  /** "athena.table"; "accounts[].name" for a field of each item. */
  path: string;
  type: string;
  /** As JSON; null without a default. */
  standard: string | null;
  description: string;
  /** Null without a variable. */
  variable: string | null;
}

/** Every setting of the schema in its order; a group is expanded into its settings. */
export function settingsOf(schema: JsonSchema, parent = ''): Setting[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, part]) => {
    if (typeof part === 'boolean' || name.startsWith('$')) return [];
    const path = parent === '' ? name : `${parent}.${name}`;
    if (part.type === 'object') return settingsOf(part, path);
    const items = typeof part.items === 'object' && !Array.isArray(part.items) ? part.items : undefined;
    const inner = items?.type === 'object' ? settingsOf(items, `${path}[]`) : [];
    return [describeSetting(path, part, items), ...inner];
  });
}

function describeSetting(path: string, part: JsonSchema, items: JsonSchema | undefined): Setting {
  const [variable = null] = Object.entries(ENVIRONMENT_NAMES).find(([, { path: set }]) => set.join('.') === path) ?? [];
  const choices = part.enum?.map((choice) => `\`${choice}\``).join(', ');
  const type = choices ?? (items === undefined ? String(part.type) : `list of ${items.type}s`);
  const standard = part.default === undefined ? null : JSON.stringify(part.default);
  return { path, type, standard, description: part.description ?? '', variable };
}

/** Markdown: one row per setting. */
export function renderConfigurationTable(schema: JsonSchema): string {
  const rows = settingsOf(schema).map(({ path, type, standard, description, variable }) => {
    const [root = ''] = path.split('[]');
    const reason = path === root ? (WITHOUT_ENVIRONMENT_NAME[path] ?? '') : `part of \`${root}\``;
    const name = variable === null ? reason : `\`${variable}\``;
    const cells = [`\`${path}\``, type, standard === null ? '' : `\`${standard}\``, name, description];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return ['| Setting | Type | Default | Environment | What it does |', '| - | - | - | - | - |', ...rows].join('\n');
}
