/** The JSON Schemas of schema/, in the order of their fields. */
import * as z from 'zod';
import { ConfigFile } from '../config.ts';
import { DiagnosisSchema } from '../diagnose/diagnosis-schema.ts';

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** Of alb502.json, as draft 2020-12. What a setting is if left out stands beside it as its default. */
export const configurationSchema = (): JsonSchema => ({
  ...z.toJSONSchema(ConfigFile, { io: 'input' }),
  title: 'Configuration of alb502',
});

/** Of `alb502 diagnose --json`, as draft 2020-12. */
export const diagnosisSchema = (): JsonSchema => ({
  ...z.toJSONSchema(DiagnosisSchema, { io: 'input' }),
  title: 'Diagnosis of alb502',
});
